import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPoints } from './k6-driver.ts'

async function* lines(...rows: readonly string[]): AsyncGenerator<string> {
  yield 'metric_name,timestamp,metric_value,check,error,name,status'
  yield* rows
}

test('the points of k6 are answers by second, verdicts by name, and visits not begun', async () => {
  const run = await readPoints(
    lines(
      'http_req_duration,1000,2.5,,,tools/list,200',
      'answers_good,1000,1,,,tools/list,',
      'http_req_duration,2999,4,,,"tools/call, modern",200',
      'answers_good,2999,0,,,"tools/call, modern",',
      'http_req_blocked,3000,1,,,tools/list,200',
      'dropped_iterations,3000,3,,,,',
    ),
  )
  assert.deepEqual(run.answers, [
    { second: 0, tookMs: 2.5 },
    { second: 1, tookMs: 4 },
  ])
  const counts = [...run.verdicts].map(([name, { good, bad }]) => [name, good, bad])
  assert.deepEqual(counts, [
    ['tools/list', 1, 0],
    ['tools/call, modern', 0, 1],
  ])
  assert.equal(run.notBegun, 3)
})
