import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summaryText } from './summary.ts'

test('the summary names every threshold with its verdict', () => {
  const text = summaryText({
    state: { testRunDurationMs: 30_000 },
    metrics: {
      http_reqs: { values: { count: 6000, rate: 200 } },
      answers_good: { values: { rate: 0.5 }, thresholds: { 'rate>0.999': { ok: false } } },
      http_req_duration: {
        values: { med: 1, 'p(95)': 2, 'p(99)': 3, max: 4 },
        thresholds: { 'p(95)<10': { ok: true } },
      },
    },
  })
  assert.match(text, /6000 in 30\.0 s, 200\.0 per second/)
  assert.match(text, /50\.000 %/)
  assert.match(text, /FAIL {2}answers_good rate>0\.999/)
  assert.match(text, /PASS {2}http_req_duration p\(95\)<10/)
})
