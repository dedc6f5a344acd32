import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSseFramer, formatSse, type SseItem } from './sse.ts'

/** Items of the chunks, without the fields that did not occur. */
function frames(...chunks: readonly (string | Buffer)[]): readonly object[] {
  const framer = createSseFramer()
  return chunks.flatMap((chunk) => framer.push(Buffer.from(chunk))).map(present)
}

function present(item: SseItem): object {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined))
}

function event(data: string, rest: object = {}): object {
  return { kind: 'event', data, ...rest }
}

const STREAMS: readonly (readonly [string, string, readonly object[]])[] = [
  ['an event', 'data: a\n\n', [event('a')]],
  ['line ends CR', 'data: a\r\rdata: b\r\r', [event('a'), event('b')]],
  ['line ends CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [event('a'), event('b')]],
  ['lines of one event that end CRLF', 'data: a\r\ndata: b\r\n\r\n', [event('a\nb')]],
  ['mixed line ends', 'data: a\rdata: b\ndata: c\r\n\n', [event('a\nb\nc')]],
  ['LF CR is two line ends', 'data: a\n\rdata: b\n\n', [event('a'), event('b')]],
  ['data of several lines', 'data: a\ndata:\ndata: b\n\n', [event('a\n\nb')]],
  ['no space behind the colon', 'data:a\n\n', [event('a')]],
  ['only the first space goes', 'data:  a \n\n', [event(' a ')]],
  ['colons in the value', 'data: a:b: c\n\n', [event('a:b: c')]],
  ['a field without colon', 'data\n\n', [event('')]],
  ['fields of other names and cases', 'DATA: a\nfoo: b\n data: c\n\n', []],
  ['an event name', 'event: endpoint\ndata: /x\n\n', [event('/x', { event: 'endpoint' })]],
  ['the last event name counts', 'event: a\nevent: b\ndata: c\n\n', [event('c', { event: 'b' })]],
  ['an id', 'id: 7\ndata: a\n\n', [event('a', { id: '7' })]],
  ['an empty id', 'id\ndata: a\n\n', [event('a', { id: '' })]],
  ['an id with NUL is ignored', 'id: 7\nid: 8\0\ndata: a\n\n', [event('a', { id: '7' })]],
  [
    'an id is not inherited',
    'id: 7\ndata: a\n\ndata: b\n\n',
    [event('a', { id: '7' }), event('b')],
  ],
  ['a priming event', 'id: 7\ndata: \n\n', [event('', { id: '7' })]],
  ['an id alone', 'id: 7\n\n', [{ kind: 'event', id: '7' }]],
  ['a retry alone', 'retry: 3000\n\n', [{ kind: 'event', retry: 3000 }]],
  ['a retry with other than digits', 'retry: 3s\nretry: -1\nretry: 1.5\nretry:\n\n', []],
  ['a retry too large for a number', `retry: ${'9'.repeat(400)}\n\n`, []],
  ['a bad retry leaves the good one', 'retry: 5\nretry: x\n\n', [{ kind: 'event', retry: 5 }]],
  ['a comment', ': keep-alive\n\n', [{ kind: 'comment', text: ' keep-alive' }]],
  ['an empty comment', ':\n', [{ kind: 'comment', text: '' }]],
  [
    'a comment between the lines of an event',
    'data: a\n:c\ndata: b\n\n',
    [{ kind: 'comment', text: 'c' }, event('a\nb')],
  ],
  ['blank lines alone', '\n\n\r\n\r', []],
  ['a byte order mark at the start', '\ufeffdata: a\n\n', [event('a')]],
  ['a byte order mark later', 'data: a\n\n\ufeffdata: b\n\n', [event('a')]],
  ['two byte order marks', '\ufeff\ufeffdata: a\n\n', []],
  ['an event that the stream ends in', 'data: a\n\ndata: b\n', [event('a')]],
  ['a line that the stream ends in', 'data: a\n\ndata: b', [event('a')]],
]

for (const [what, text, items] of STREAMS) {
  test(`reads ${what}, whole and byte by byte`, () => {
    assert.deepEqual(frames(text), items)
    const bytes = Buffer.from(text)
    const single = Array.from(bytes, (_byte, i) => bytes.subarray(i, i + 1))
    assert.deepEqual(frames(...single), items)
  })
}

test('a line end of CR counts at once, though its LF may follow in the next chunk', () => {
  const framer = createSseFramer()
  assert.equal(framer.push(Buffer.from('data: a\r\n\r')).length, 1)
  assert.deepEqual(framer.push(Buffer.from('\ndata: b\n\n')).map(present), [event('b')])
})

test('UTF-8 split between chunks is put together', () => {
  const bytes = Buffer.from('data: €😀\n\n')
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    assert.deepEqual(frames(bytes.subarray(0, cut), bytes.subarray(cut)), [event('€😀')])
  }
})

test('bytes that are not UTF-8 become replacement characters', () => {
  const bytes = Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xe2, 0x82, 0x0a, 0x0a])
  assert.deepEqual(frames(bytes), [event('\ufffd\ufffd')])
})

test('what a chunk ends with is copied, so that its memory may be used again', () => {
  const framer = createSseFramer()
  const chunk = Buffer.from('data: a')
  framer.push(chunk)
  chunk.fill(0x78)
  assert.deepEqual(framer.push(Buffer.from('b\n\n')).map(present), [event('ab')])
})

test('an event larger than allowed is an overflow, and nothing comes after it', () => {
  for (const text of [
    'data: 123456789',
    'data: 12\ndata: 3',
    'id: 1\nid: 2\nid: 3\n',
    ':123456789012345',
  ]) {
    const framer = createSseFramer({ maxEventBytes: 14 })
    assert.deepEqual(framer.push(Buffer.from(`data: a\n\n${text}`)).map(present), [
      event('a'),
      { kind: 'overflow' },
    ])
    assert.deepEqual(framer.push(Buffer.from('\n\ndata: b\n\n')), [])
    const whole = createSseFramer({ maxEventBytes: 14 })
    assert.deepEqual(whole.push(Buffer.from(`${text}\n\ndata: b\n\n`)), [{ kind: 'overflow' }])
  }
})

test('an event as large as allowed passes, any number of times, and comments between do not count', () => {
  const framer = createSseFramer({ maxEventBytes: 14 })
  const text = 'data: 1\ndata: 2\n\n:1234567890123\n'
  for (let i = 0; i < 3; i += 1) assert.equal(framer.push(Buffer.from(text)).length, 2)
})

test('an event in single bytes costs no more memory than it has', () => {
  const framer = createSseFramer()
  const byte = Buffer.from('x')
  framer.push(Buffer.from('data: '))
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  for (let i = 0; i < 500_000; i += 1) framer.push(byte)
  const after = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  assert.ok(after - before < 64 * 1_048_576, `${after - before} bytes`)
  const [item] = framer.push(Buffer.from('\n\n'))
  assert.equal(item?.kind === 'event' ? item.data?.length : 0, 500_000)
})

const WRITTEN: readonly (readonly [string, Parameters<typeof formatSse>[0], string])[] = [
  ['data', { kind: 'event', data: 'a' }, 'data: a\n\n'],
  ['empty data', { kind: 'event', id: '7', data: '' }, 'id: 7\ndata: \n\n'],
  [
    'all fields',
    { kind: 'event', event: 'e', id: '7', retry: 5, data: 'a\nb' },
    'event: e\nid: 7\nretry: 5\ndata: a\ndata: b\n\n',
  ],
  ['a retry alone', { kind: 'event', retry: 5, data: undefined }, 'retry: 5\n\n'],
  ['an event without anything', { kind: 'event', data: undefined }, ''],
  ['a comment', { kind: 'comment', text: ' keep-alive' }, ': keep-alive\n\n'],
  ['CR in data', { kind: 'event', data: 'a\rid: 9\r\nb' }, 'data: a\ndata: id: 9\ndata: b\n\n'],
  [
    'line ends in a name',
    { kind: 'event', event: 'a\r\ndata: x', data: '' },
    'event: adata: x\ndata: \n\n',
  ],
  [
    'line ends in an id',
    { kind: 'event', id: '1\n\rdata: x', data: '' },
    'id: 1data: x\ndata: \n\n',
  ],
  ['NUL in an id', { kind: 'event', id: '1\0', data: '' }, 'data: \n\n'],
  ['line ends in a comment', { kind: 'comment', text: 'a\rdata: x\n\n' }, ':a\n:data: x\n:\n:\n\n'],
]

for (const [what, item, text] of WRITTEN) {
  test(`writes ${what}`, () => {
    assert.equal(formatSse(item), text)
  })
}
