import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createCrew, STUCK_AFTER_MS } from './crew.ts'
import { LineError } from './line.ts'

type Process = {
  readonly slot: number
  readonly pid: number
  readonly signals: string[]
  /** What it says of its metrics; undefined hangs. */
  counted: string | undefined
  end(why: string): void
}

const COUNTED = '# HELP calls_total Calls\n# TYPE calls_total counter\ncalls_total'

/** A crew whose processes are only told of. */
function openCrew(size = 2) {
  const clock = { tick: 0 }
  const processes: Process[] = []
  const delayed: { readonly ms: number; readonly call: () => void }[] = []
  const logged: string[] = []
  const crew = createCrew({
    size,
    log: (_, message, facts) => logged.push(`${message} ${facts?.['worker'] ?? ''}`.trim()),
    tick: () => clock.tick,
    after: (ms, call) => {
      const entry = { ms, call }
      delayed.push(entry)
      return () => void delayed.splice(delayed.indexOf(entry), 1)
    },
    fork: (slot, end) => {
      const signals: string[] = []
      const own: Process = { slot, pid: 100 + processes.length, signals, counted: '', end }
      processes.push(own)
      return {
        pid: own.pid,
        signal: (signal) => void signals.push(signal),
        line: {
          ask: async () => {
            if (own.counted === undefined) throw new LineError('timeout', 'no answer')
            return own.counted
          },
          receive: () => undefined,
          close: () => undefined,
        },
      }
    },
  })
  const start = async (): Promise<void> => {
    const started = crew.start()
    for (const { slot } of processes) crew.up(slot)
    await started
  }
  return { crew, clock, processes, delayed, logged, start }
}

test('a crew is there when each of its workers listens', async () => {
  const { crew, processes } = openCrew(3)
  let started = false
  const starting = crew.start().then(() => (started = true))
  assert.deepEqual(
    processes.map(({ slot }) => slot),
    [1, 2, 3],
  )
  crew.up(1)
  crew.up(3)
  await Promise.resolve()
  assert.equal(started, false)
  crew.up(2)
  await starting
  assert.deepEqual(
    crew.workers.map(({ slot }) => slot),
    [1, 2, 3],
  )
})

test('a worker that ends before all listen ends the others, and the crew does not start', async () => {
  const { crew, processes } = openCrew()
  const starting = crew.start()
  processes[0]!.end('exit code 1')
  setImmediate(() => processes[1]!.end('SIGTERM'))
  await assert.rejects(starting, /worker 1 did not start \(exit code 1\)/)
  assert.deepEqual(processes[1]!.signals, ['SIGTERM'])
  assert.equal(processes.length, 2, 'nobody is replaced')
})

test('a worker that ends is replaced in its place, and is not asked before it listens', async () => {
  const { crew, processes, delayed, logged, start, clock } = openCrew()
  await start()
  clock.tick = 5_000
  processes[0]!.end('SIGKILL')
  assert.deepEqual(
    crew.workers.map(({ slot }) => slot),
    [2],
  )
  assert.deepEqual(
    delayed.map(({ ms }) => ms),
    [0],
  )
  delayed[0]!.call()
  assert.deepEqual([processes[2]!.slot, crew.restarts], [1, 1])
  assert.equal(crew.workers.length, 1)
  crew.up(1)
  assert.deepEqual(
    crew.workers.map(({ pid }) => pid),
    [102, 101],
  )
  assert.deepEqual(logged, ['a worker has ended and is replaced 1', 'a worker is up again 1'])
})

test('one that keeps ending is started ever more slowly', async () => {
  const { processes, delayed, start } = openCrew(1)
  await start()
  for (let at = 0; at < 5; at += 1) {
    processes.at(-1)!.end('exit code 1')
    delayed.at(-1)!.call()
  }
  assert.deepEqual(
    delayed.map(({ ms }) => ms),
    [0, 100, 200, 400, 800],
  )
})

test('what a worker has counted stays when it has ended, once', async () => {
  const { crew, processes, delayed, start } = openCrew()
  await start()
  processes[0]!.counted = `${COUNTED} 5\n`
  processes[1]!.counted = `${COUNTED} 2\n`
  assert.match(await crew.metrics(), /^calls_total 7$/m)
  processes[0]!.end('SIGKILL')
  assert.match(await crew.metrics(), /^calls_total 7$/m)
  delayed[0]!.call()
  processes[2]!.counted = `${COUNTED} 1\n`
  crew.up(1)
  assert.match(await crew.metrics(), /^calls_total 8$/m)
  crew.leave(2, `${COUNTED} 3\n`)
  processes[1]!.end('exit code 0')
  assert.match(await crew.metrics(), /^calls_total 9$/m)
})

test('a worker that answers nothing for long is ended, and one that answers is not', async () => {
  const { crew, processes, clock, start } = openCrew()
  await start()
  processes[0]!.counted = undefined
  clock.tick = STUCK_AFTER_MS
  await crew.look()
  assert.deepEqual(processes[0]!.signals, [])
  clock.tick += 1
  await crew.look()
  assert.deepEqual([processes[0]!.signals, processes[1]!.signals], [['SIGKILL'], []])
})

test('at the end all are ended in order, by force after a while, and nobody is replaced', async () => {
  const { crew, processes, delayed, start } = openCrew()
  await start()
  const stopped = crew.stop(30_000)
  assert.deepEqual(
    processes.map(({ signals }) => signals),
    [['SIGTERM'], ['SIGTERM']],
  )
  processes[0]!.end('exit code 0')
  assert.deepEqual(
    delayed.map(({ ms }) => ms),
    [30_000],
  )
  delayed[0]!.call()
  assert.deepEqual(processes[1]!.signals, ['SIGTERM', 'SIGKILL'])
  processes[1]!.end('SIGKILL')
  await stopped
  assert.equal(processes.length, 2)
})

test('a worker that waits for its restart when all are ended is not started any more', async () => {
  const { crew, processes, delayed, start } = openCrew()
  await start()
  processes[0]!.end('SIGKILL')
  assert.equal(delayed.length, 1)
  const stopped = crew.stop(30_000)
  assert.deepEqual(
    delayed.map(({ ms }) => ms),
    [30_000],
    'only the end by force is waited for',
  )
  processes[1]!.end('exit code 0')
  await stopped
  assert.equal(processes.length, 2)
})
