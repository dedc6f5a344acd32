import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChain, hashBatch } from './chain.ts'
import {
  type BreakKind,
  MAX_LISTED,
  type Report,
  verifyAudit,
  type VerifyOptions,
} from './verify.ts'

/** `calls` calls of one instance, two lines each, a batch for each. */
function write(instance: string, calls: number): string[] {
  const chain = createChain(instance)
  return Array.from({ length: calls }, (_, at) => {
    const id = `${instance}-${at + 1}`
    const head = `{"time":"2026-11-23T08:30:0${at % 10}.000Z"`
    const batch = [
      chain.seal(`${head},"type":"decision","id":"${id}","rule":"readers"`),
      chain.seal(`${head},"type":"outcome","id":"${id}","rule":"readers"`),
    ]
    chain.part(bytesOf(batch))
    return batch
  }).flat()
}

function bytesOf(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

function verify(lines: readonly string[], options?: VerifyOptions): Promise<Report> {
  async function* stream(): AsyncGenerator<string> {
    yield* lines
  }
  return verifyAudit(stream(), options)
}

function breaksOf({ breaks }: Report): readonly (readonly [BreakKind, string])[] {
  return breaks.map(({ kind, place }) => [kind, place])
}

test('a log as it was written is intact, and is counted', async () => {
  const lines = write('a', 3)
  const report = await verify(lines)
  assert.deepEqual(report, {
    intact: true,
    records: 6,
    decisions: 3,
    outcomes: 3,
    from: '2026-11-23T08:30:00.000Z',
    to: '2026-11-23T08:30:02.000Z',
    instances: [
      {
        instance: 'a',
        records: 6,
        firstSeq: 1,
        lastSeq: 6,
        lastHash: hashBatch(bytesOf(lines.slice(4))),
        closed: false,
      },
    ],
    breakCount: 0,
    breaks: [],
    torn: [],
    openCount: 0,
    open: [],
  })
})

test('an empty log is intact', async () => {
  assert.equal((await verify([])).intact, true)
})

test('lines of several instances may be mixed', async () => {
  const [a, b] = [write('a', 4), write('b', 4)]
  const mixed = a.flatMap((line, at) => [b[at]!, line])
  assert.equal((await verify(mixed)).intact, true)
})

test('a record changed in the middle shows where the next batch begins', async () => {
  const lines = write('a', 3)
  lines[3] = lines[3]!.replace('readers', 'writers')
  const report = await verify(lines)
  assert.deepEqual(breaksOf(report), [['changed', 'line 5']])
  assert.match(report.breaks[0]!.detail, /among records 3 to 5/)
})

test('a single space more in a line is a change', async () => {
  const lines = write('a', 2)
  lines[0] = lines[0]!.replace('{"time"', '{ "time"')
  assert.deepEqual(breaksOf(await verify(lines)), [['changed', 'line 3']])
})

test('a record that was changed together with its own hash shows all the same', async () => {
  const lines = write('a', 3)
  lines[2] = lines[2]!.replace(/"prev":"[^"]+"/, `"prev":"${'B'.repeat(43)}"`)
  const kinds = breaksOf(await verify(lines))
  assert.deepEqual(kinds, [
    ['changed', 'line 3'],
    ['changed', 'line 5'],
  ])
})

test('removed records show as missing', async () => {
  const lines = write('a', 4)
  lines.splice(2, 3)
  const report = await verify(lines)
  assert.deepEqual(breaksOf(report), [['missing', 'line 3']])
  assert.match(report.breaks[0]!.detail, /records 3 to 5 missing before record 6/)
})

test('two records that changed places show', async () => {
  const lines = write('a', 3)
  ;[lines[2], lines[3]] = [lines[3]!, lines[2]!]
  assert.deepEqual(breaksOf(await verify(lines)), [
    ['missing', 'line 3'],
    ['out_of_order', 'line 4'],
  ])
})

test('a record that was copied shows', async () => {
  const lines = write('a', 2)
  assert.deepEqual(breaksOf(await verify([...lines, lines[1]!])), [['out_of_order', 'line 5']])
})

test('a record that was renumbered shows', async () => {
  const lines = write('a', 3)
  lines[4] = lines[4]!.replace('"seq":5', '"seq":7')
  assert.equal((await verify(lines)).intact, false)
})

test('a log without its beginning is broken, unless earlier files are known to be elsewhere', async () => {
  const lines = write('a', 3).slice(2)
  assert.deepEqual(breaksOf(await verify(lines)), [['missing_start', 'line 1']])
  assert.equal((await verify(lines, { start: 'later' })).intact, true)
})

test('a first record that names one before it is a change', async () => {
  const lines = write('a', 1)
  lines[0] = lines[0]!.replace(/"prev":"[^"]+"/, `"prev":"${'B'.repeat(43)}"`)
  const report = await verify(lines.slice(0, 1), { start: 'later' })
  assert.deepEqual(breaksOf(report), [['changed', 'line 1']])
})

test('an instance that is renamed half way is a break on both sides', async () => {
  const lines = write('a', 3).map((line, at) =>
    at < 3 ? line : line.replace('"instance":"a"', '"instance":"b"'),
  )
  assert.equal(breaksOf(await verify(lines))[0]?.[0], 'missing_start')
})

test('half a line at the end of an instance is told, and is no break', async () => {
  const [a, b] = [write('a', 2), write('b', 1)]
  const torn = a.pop()!.slice(0, 60)
  const report = await verify([...a, torn, ...b])
  assert.deepEqual([report.intact, report.torn], [true, ['line 4']])
  assert.deepEqual(report.open, [{ id: 'a-2', place: 'line 3' }])
})

test('half a line at the very end, and one before any record, are no break', async () => {
  const lines = write('a', 1)
  assert.equal((await verify(['{"ti', ...lines, '{'])).intact, true)
})

test('half a line that was written again after a rotation is no break', async () => {
  const lines = write('a', 2)
  const report = await verify([...lines.slice(0, 2), lines[2]!.slice(0, 60), ...lines.slice(2)])
  assert.deepEqual([report.intact, report.torn], [true, ['line 3']])
})

test('half a line across which an instance goes on is a break', async () => {
  const lines = write('a', 3)
  lines.splice(2, 0, '{"time":"1999')
  assert.deepEqual(breaksOf(await verify(lines)), [['not_a_record', 'line 3']])
})

const FOREIGN = [
  ['text', 'hello'],
  ['an empty line', ''],
  ['a JSON object of something else', '{"time":"2026","type":"decision"}'],
  [
    'a record with a number that is none',
    '{"time":"2026","type":"x","instance":"a","seq":"1","prev":""}',
  ],
] as const

for (const [what, line] of FOREIGN) {
  test(`${what} at the end of the log is not taken for half a record`, async () => {
    const report = await verify([...write('a', 1), line])
    assert.deepEqual(breaksOf(report), [['not_a_record', 'line 3']])
  })
}

test('a batch that was moved whole shows in its numbers', async () => {
  const lines = write('a', 3)
  lines.push(...lines.splice(2, 2))
  assert.deepEqual(breaksOf(await verify(lines)), [
    ['missing', 'line 3'],
    ['out_of_order', 'line 5'],
    ['out_of_order', 'line 6'],
  ])
})

test('a batch that was cut in two by a hash of its own is a change', async () => {
  const lines = write('a', 2)
  lines[1] = lines[1]!.replace(/\}$/, `,"prev":"${'B'.repeat(43)}"}`)
  assert.equal(breaksOf(await verify(lines))[0]?.join(), 'changed,line 2')
})

test('batches joined by taking the hash between them away are a change', async () => {
  const lines = write('a', 3)
  lines[2] = lines[2]!.replace(/,"prev":"[^"]+"/, '')
  assert.deepEqual(breaksOf(await verify(lines)), [['changed', 'line 5']])
})

test('of a batch whose beginning is elsewhere nothing is said, of the next everything', async () => {
  const lines = write('a', 4).slice(1)
  assert.equal((await verify(lines, { start: 'later' })).intact, true)
  lines[2] = lines[2]!.replace('readers', 'writers')
  assert.deepEqual(breaksOf(await verify(lines, { start: 'later' })), [['changed', 'line 4']])
  const cut = await verify(lines.slice(0, 1), { start: 'later' })
  assert.equal(cut.instances[0]?.lastHash, undefined)
})

test('what a chain cannot show: a change in the last batch', async () => {
  const lines = write('a', 3)
  lines[5] = lines[5]!.replace('readers', 'writers')
  assert.equal((await verify(lines)).intact, true)
})

test('what a chain cannot show: an end that is missing', async () => {
  assert.equal((await verify(write('a', 3).slice(0, 4))).intact, true)
})

test('decisions without an outcome are counted and the first are listed', async () => {
  const lines = write('a', 30).filter((_, at) => at % 2 === 0)
  const chain = createChain('b')
  const rest = Array.from({ length: 30 }, (_, at) =>
    chain.seal(`{"time":"2026-11-23T08:30:00.000Z","type":"decision","id":"b-${at}"`),
  )
  const report = await verify(rest)
  assert.deepEqual([report.openCount, report.open.length, report.intact], [30, MAX_LISTED, true])
  assert.equal((await verify(lines)).breakCount, 29)
  assert.equal((await verify(lines)).breaks.length, MAX_LISTED)
})

test('a prototype name as an id or instance is a name like any other', async () => {
  assert.equal((await verify(write('__proto__', 2))).intact, true)
})
