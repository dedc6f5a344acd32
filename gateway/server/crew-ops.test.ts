import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createCrewOps, mergeReadiness } from './crew-ops.ts'
import type { ToWorker } from './crew-talk.ts'
import type { Worker } from './crew.ts'
import type { Readiness } from './readiness.ts'

const READY: Readiness = { ready: true, draining: false, checks: { audit: { state: 'ok' } } }

function readiness(state: 'ok' | 'warn' | 'fail', detail?: string): Readiness {
  const check = detail === undefined ? { state } : { state, detail }
  return { ready: state !== 'fail', draining: false, checks: { audit: check } }
}

type Says = { readonly [Name in keyof ToWorker]?: ToWorker[Name]['answer'] }

/** A worker that says this, and what it was asked. */
function worker(slot: number, says: Says = {}) {
  const asked: string[] = []
  const own: Worker = {
    slot,
    pid: 100 + slot,
    startedTick: 0,
    signal: () => undefined,
    line: {
      ask: async (name) => {
        asked.push(name)
        const said = says[name]
        if (said === undefined) throw new Error('no answer')
        return said
      },
      receive: () => undefined,
      close: () => undefined,
    },
  }
  return { ...own, asked }
}

function openOps(workers: readonly Worker[], size = workers.length) {
  const crew = { workers, restarts: 3, metrics: async () => 'text\n' }
  return createCrewOps({ crew, size, draining: () => false, tick: () => 12_000 })
}

function ask(workers: readonly Worker[], method: string, path: string) {
  return openOps(workers).admin({
    method,
    path,
    query: new URLSearchParams('a=1'),
    authorization: 'Bearer x',
    actor: undefined,
    address: '127.0.0.1',
    body: async () => '{}',
  })
}

test('each check is the worst of all workers, and says whose it is', () => {
  const of = (...each: readonly (Readiness | undefined)[]) =>
    mergeReadiness(
      each.map((said, at) => [at + 1, said] as const),
      { size: each.length, draining: false },
    )
  assert.deepEqual(of(READY, READY).checks['audit'], { state: 'ok' })
  const warned = of(READY, readiness('warn', 'slow'))
  assert.deepEqual(
    [warned.ready, warned.checks['audit']],
    [true, { state: 'warn', detail: 'worker 2: slow' }],
  )
  const failed = of(readiness('fail', 'full'), readiness('warn', 'slow'))
  assert.deepEqual(
    [failed.ready, failed.checks['audit']],
    [false, { state: 'fail', detail: 'worker 1: full' }],
  )
  const silent = of(READY, undefined)
  assert.deepEqual(
    [silent.ready, silent.checks['workers']],
    [false, { state: 'fail', detail: 'worker 2: does not answer' }],
  )
})

test('a worker that is being replaced is a warning; without any, and while draining, nothing is ready', () => {
  const one = mergeReadiness([[1, READY]], { size: 2, draining: false })
  assert.deepEqual(
    [one.ready, one.checks['workers']],
    [true, { state: 'warn', detail: '1 of 2 are up' }],
  )
  const none = mergeReadiness([], { size: 2, draining: false })
  assert.deepEqual([none.ready, none.checks['workers']?.state], [false, 'fail'])
  const draining = mergeReadiness([[1, READY]], { size: 1, draining: true })
  assert.deepEqual([draining.ready, draining.draining], [false, true])
})

test('an action is taken by one worker, always the same, and answered once the others have looked', async () => {
  const answer = { status: 201, body: { id: 'a' } }
  const [one, two] = [worker(1, { admin: answer }), worker(2)]
  assert.equal(await ask([one, two], 'POST', '/admin/revocations'), answer)
  assert.deepEqual([one.asked, two.asked], [['admin'], ['refresh']])
  await ask([one, two], 'GET', '/admin/revocations')
  assert.deepEqual(two.asked, ['refresh'])
  const refused = [worker(1, { admin: { status: 400, body: {} } }), worker(2)] as const
  await ask(refused, 'DELETE', '/admin/grants')
  assert.deepEqual(refused[1].asked, [])
  const nobody = await ask([], 'GET', '/admin/status')
  assert.equal(nobody.status, 503)
})

test('a reload reaches all workers once the first has taken it, and fails where another has not', async () => {
  const ok = { status: 200, body: { ok: true, problems: [], notices: [] } }
  const took = { ok: true, problems: [], notices: [] }
  const [one, two] = [worker(1, { admin: ok }), worker(2, { reload: took })]
  assert.deepEqual(await ask([one, two], 'POST', '/admin/reload'), ok)
  assert.deepEqual([one.asked, two.asked], [['admin'], ['reload']])
  const silent = await ask([one, worker(2)], 'POST', '/admin/reload')
  assert.equal(silent.status, 500)
  assert.match(JSON.stringify(silent.body), /worker 2: Error: no answer/)
  const unasked = worker(2, { reload: took })
  const refused = worker(1, { admin: { status: 422, body: {} } })
  assert.equal((await ask([refused, unasked], 'POST', '/admin/reload')).status, 422)
  assert.deepEqual(unasked.asked, [])
})

test('the status has the sums of all and a line for each worker, and only for who may read it', async () => {
  const status = { streams: 2, connections: 3, version: '1' }
  const each = [1, 2].map((slot) =>
    worker(slot, { admin: { status: 200, body: status }, status, readiness: READY }),
  )
  const { body } = await ask(each, 'GET', '/admin/status')
  const { streams, connections, version, ready, workers } = body as Record<string, unknown>
  assert.deepEqual([streams, connections, version, ready], [4, 6, '1', true])
  assert.deepEqual(workers, [
    { worker: 'worker 1', process: 'pid 101', up: '12 s' },
    { worker: 'worker 2', process: 'pid 102', up: '12 s' },
  ])
  const stranger = worker(1, { admin: { status: 401, body: {} }, status, readiness: READY })
  assert.deepEqual(await ask([stranger], 'GET', '/admin/status'), { status: 401, body: {} })
})

test('the tools of a server are those of every worker that a list has passed', async () => {
  const admin = { status: 200, body: { tools: { docs: ['read'] } } }
  const one = worker(1, { admin, tools: { docs: ['read'], mail: [] } })
  const two = worker(2, { tools: { docs: ['edit', 'read'], mail: ['send'] } })
  const { body } = await ask([one, two, worker(3)], 'GET', '/admin/tools')
  assert.deepEqual(body, { tools: { docs: ['edit', 'read'], mail: ['send'] } })
})

test('metrics say how many workers there are and how many were replaced', async () => {
  const { text } = await openOps([worker(1)], 2).metrics()
  assert.match(text, /^text$/m)
  assert.match(text, /^gatehouse_workers 1$/m)
  assert.match(text, /^gatehouse_worker_restarts_total 3$/m)
})
