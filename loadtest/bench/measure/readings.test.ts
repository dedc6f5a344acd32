import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseWrk } from './closed-loop.ts'
import { readTrace } from './garbage.ts'

test('the trace of the collector gives its pauses and nothing else of the log', () => {
  const trace = `
{"level":"info","what":"listening"}
[7:0x1] 52 ms: Scavenge 5.1 (6.3) -> 4.4 (7.1) MB, pooled: 0.0 MB, 0.80 / 0.00 ms  (average mu = 1.000) allocation failure;
[7:0x1] 90 ms: Scavenge (during sweeping) 8.1 (9.3) -> 4.4 (9.1) MB, 1.20 / 0.00 ms  (average mu = 1.000) task;
[7:0x1] 99 ms: Scavenge 8.1 (9.3) -> 4.4 (9.1) MB, pooled: 0.0 MB, 3.00 / 0.00 ms  (average mu = 1.000) task;
[7:0x1] 120 ms: Mark-Compact (reduce) 9.0 (11.0) -> 4.0 (8.0) MB, pooled: 1 MB, 7.10 / 0.00 ms  (average mu = 0.99) idle task;
`
  assert.deepEqual(readTrace(trace, 50_000), {
    scavenges: 3,
    medianScavengeMs: 1.2,
    maxScavengeMs: 3,
    markCompactsPer100k: 2,
  })
})

test('no scavenge seen is not a scavenge of no length', () => {
  assert.ok(Number.isNaN(readTrace('', 1000).medianScavengeMs))
})

test('a wrk summary counts refused and lost requests as bad', () => {
  const output = `Running 2s test @ http://127.0.0.1:1/mcp
  100 requests in 2.00s, 1.00MB read
{"requests":100,"micros":2000000,"otherStatus":3,"lost":4}
`
  assert.deepEqual(parseWrk(output), { requests: 100, seconds: 2, bad: 7 })
})

test('a wrk run without a summary is an error that shows what it printed', () => {
  assert.throws(() => parseWrk('unable to connect to 127.0.0.1:1'), /unable to connect/)
})
