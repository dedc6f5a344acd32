import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHistogram } from './histogram.ts'

const DEFINITION = { name: 'x_seconds', type: 'histogram', labels: ['tool'], help: 'Time' } as const

test('a histogram without observations has no series', () => {
  assert.equal(
    createHistogram(DEFINITION, [1]).text(),
    '# HELP x_seconds Time\n# TYPE x_seconds histogram\n',
  )
})

test('buckets are cumulative, and a value on a bound belongs below it', () => {
  const histogram = createHistogram(DEFINITION, [0.1, 1])
  const series = histogram.series(['a'])
  for (const seconds of [0.1, 0.5, 1, 7]) series.observe(seconds)
  assert.deepEqual(histogram.text().split('\n').slice(2), [
    'x_seconds_bucket{tool="a",le="0.1"} 1',
    'x_seconds_bucket{tool="a",le="1"} 3',
    'x_seconds_bucket{tool="a",le="+Inf"} 4',
    'x_seconds_sum{tool="a"} 8.6',
    'x_seconds_count{tool="a"} 4',
    '',
  ])
})

test('the same label values are the same series', () => {
  const histogram = createHistogram({ ...DEFINITION, labels: ['a', 'b'] }, [1])
  histogram.series(['x', 'y']).observe(1)
  histogram.series(['x', 'y']).observe(1)
  histogram.series(['xy', '']).observe(1)
  const counts = histogram.text().match(/_count.*/g)
  assert.deepEqual(counts, ['_count{a="x",b="y"} 2', '_count{a="xy",b=""} 1'])
})

test('a histogram without labels has no braces but those of its bounds', () => {
  const histogram = createHistogram({ ...DEFINITION, labels: [] }, [1])
  histogram.series([]).observe(2)
  assert.match(histogram.text(), /x_seconds_bucket\{le="1"\} 0\n.*\nx_seconds_sum 2\n/)
})

test('a label value cannot end its line or its quotes', () => {
  const histogram = createHistogram(DEFINITION, [1])
  histogram.series(['a"b\\c\nd']).observe(1)
  assert.match(histogram.text(), /x_seconds_count\{tool="a\\"b\\\\c\\nd"\} 1\n/)
})

test('what is no time counts as none', () => {
  const histogram = createHistogram(DEFINITION, [1])
  const series = histogram.series(['a'])
  for (const seconds of [-1, Number.NaN]) series.observe(seconds)
  assert.match(histogram.text(), /_bucket\{tool="a",le="1"\} 2\n/)
  assert.match(histogram.text(), /_sum\{tool="a"\} 0\n/)
})
