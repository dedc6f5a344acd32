import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCENARIOS } from '../scenarios/all.ts'
import { chart, chartPage } from './chart.ts'
import { report } from './report.ts'
import { type Run, Tally } from './run.ts'

const [scenario] = SCENARIOS
assert.ok(scenario)

function run(over: Partial<Run> = {}, bad = 0): Run {
  const tally = new Tally()
  for (let at = 0; at < 100; at += 1) tally.count('tools/call', at >= bad, () => `<no ${at}>`)
  const answers = Array.from({ length: 100 }, (_, at) => ({ second: at % 10, tookMs: 1 + at / 50 }))
  return { answers, verdicts: tally.verdicts, notBegun: 0, ...over }
}

test('a run that keeps every promise is good', () => {
  const { isGood, text } = report(scenario, run())
  assert.ok(isGood)
  assert.match(text, /100 in 10 s, 10\.0 per second/)
  assert.doesNotMatch(text, /FAIL/)
})

test('one broken promise is enough', () => {
  const slow = [{ second: 0, tookMs: 1_000 }]
  const streams = { asked: 5, open: 5, fewestEvents: 9, dueEvents: 9 }
  const sessions = { asked: 20, opened: 20, ended: 20, kbBefore: 1_000, kbWith: 1_100 }
  const reports = [
    report(scenario, run({}, 1)),
    report(scenario, run({ answers: slow })),
    report(scenario, run({ answers: [] })),
    report(scenario, run({ notBegun: 1 })),
    report(scenario, run(), { streams: { ...streams, open: 4 } }),
    report(scenario, run(), { streams: { ...streams, fewestEvents: 8 } }),
    report(scenario, run(), { sessions: { ...sessions, opened: 19 } }),
    report(scenario, run(), { sessions: { ...sessions, ended: 19 } }),
    report(scenario, run(), { sessions: { ...sessions, kbWith: 1_700 } }),
  ]
  for (const { isGood, text } of reports) assert.ok(!isGood && text.includes('FAIL'), text)
  assert.match(reports[0]?.text ?? '', /99, and 1 bad: <no 0>/)
  assert.ok(report(scenario, run(), { streams, sessions }).isGood)
})

test('the page holds what was measured as text, a line for each share, and no script', () => {
  const page = chartPage([report(scenario, run({}, 1))], 'today & here')
  assert.match(page, /today &amp; here/)
  assert.match(page, /1 bad: &lt;no 0>/)
  assert.equal(page.match(/<path /g)?.length, 3)
  assert.ok(!page.includes('<script') && !page.includes('NaN'))
  assert.ok(!chart([]).includes('NaN'))
})
