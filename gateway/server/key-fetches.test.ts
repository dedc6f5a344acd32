import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { FetchedKeys } from '../identity/key-documents.ts'
import type { ToSupervisor } from './crew-talk.ts'
import { relayKeyFetches } from './key-fetches.ts'
import type { Answers } from './line.ts'
import { createLine } from './line.ts'

const URL = 'https://idp.example/jwks'
const NOW_MS = 1_000

/** A worker, and a supervisor that answers only what is given. */
function connect(answers: Pick<Answers<ToSupervisor>, 'keys'>) {
  const worker = createLine<Record<string, never>, ToSupervisor>({
    send: (message) => supervisor.receive(structuredClone(message)),
    answers: {},
  })
  const supervisor = createLine<Pick<ToSupervisor, 'keys'>, Record<string, never>>({
    send: (message) => worker.receive(structuredClone(message)),
    answers,
  })
  return { worker, fetchKeys: relayKeyFetches(worker, () => NOW_MS).fetchKeys }
}

test('a worker gets what the supervisor has fetched, with the time of the fetch', async () => {
  const asked: unknown[] = []
  const fetched: FetchedKeys = { ok: true, document: { keys: [] }, startedMs: 7, shared: true }
  const { fetchKeys } = connect({
    keys: (wanted) => {
      asked.push(wanted)
      return fetched
    },
  })
  assert.deepEqual(await fetchKeys(URL, 5), fetched)
  assert.deepEqual(asked, [{ url: URL, newerThanMs: 5 }])
})

test('a supervisor that fails, is gone or does not answer is like an issuer that is down', async (t) => {
  const failed = (why: string) => ({ ok: false, why, startedMs: NOW_MS, shared: false })
  const failing = connect({ keys: () => Promise.reject(new Error('no room')) })
  const prefix = 'the supervisor has not fetched it: LineError:'
  assert.deepEqual(await failing.fetchKeys(URL, 0), failed(`${prefix} no room`))

  t.mock.timers.enable({ apis: ['setTimeout'] })
  const silent = connect({ keys: () => new Promise(() => undefined) })
  const waiting = silent.fetchKeys(URL, 0)
  t.mock.timers.tick(2_000)
  assert.deepEqual(await waiting, failed(`${prefix} no answer to keys within 2000 ms`))

  const leaving = silent.fetchKeys(URL, 0)
  silent.worker.close()
  assert.deepEqual(await leaving, failed(`${prefix} the other process is gone`))
  assert.deepEqual(await silent.fetchKeys(URL, 0), failed(`${prefix} the other process is gone`))
})
