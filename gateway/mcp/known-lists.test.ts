import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ANSWER_BOUNDS } from './bounds.ts'
import { createKnownLists } from './known-lists.ts'
import { filterAnswer } from './list.ts'

const TOOLS = Array.from({ length: 40 }, (_, i) => `{"name":"tool ${i}","description":"does it"}`)

function answer(id: number, member: string, elements: readonly string[], rest = ''): Buffer {
  return Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"result":{"${member}":[${elements.join(', ')}]${rest}}}`,
  )
}

/** What a server sends, filtered by one who knows its lists: whether there is news in it, and the names. */
function openReader(show: (name: string) => boolean = () => true) {
  const known = createKnownLists()
  return (bytes: Buffer) => {
    const read = filterAnswer(bytes, { known, show: (_kind, name) => show(name) })
    assert.ok(read.ok)
    const { news, listed } = read
    return {
      news,
      names: listed.map(({ kind, name }) => `${kind} ${name}`),
      text: String(read.bytes),
    }
  }
}

test('a list that comes again is no news, whatever stands around it, and is filtered all the same', () => {
  let hidden = 'tool 3'
  const read = openReader((name) => name !== hidden)
  const first = read(answer(1, 'tools', TOOLS))
  assert.equal(first.news, true)
  assert.equal(first.names.length, 40)
  hidden = 'tool 0'
  const again = read(answer(77, 'tools', TOOLS, ',"nextCursor":"n"'))
  assert.equal(again.news, false)
  assert.deepEqual(again.names, first.names)
  assert.deepEqual(JSON.parse(again.text), {
    jsonrpc: '2.0',
    id: 77,
    result: { tools: TOOLS.slice(1).map((text) => JSON.parse(text)), nextCursor: 'n' },
  })
})

test('a list that differs in one byte, ends elsewhere or is of another member is read', () => {
  const read = openReader()
  read(answer(1, 'tools', TOOLS))
  assert.equal(read(answer(1, 'tools', [...TOOLS.slice(0, -1), '{"name":"tool 4O"}'])).news, true)
  assert.equal(read(answer(1, 'tools', [...TOOLS, '{"name":"more"}'])).news, true)
  assert.equal(read(answer(1, 'tools', TOOLS.slice(0, -1))).news, true)
  const prompts = read(answer(1, 'prompts', TOOLS))
  assert.deepEqual([prompts.news, prompts.names[0]], [true, 'prompt tool 0'])
  // Its elements have no URI, and so no name.
  assert.deepEqual(read(answer(1, 'resources', TOOLS)).names, [])
})

test('a list that was refused is not known the next time', () => {
  const known = createKnownLists()
  const twice = answer(1, 'tools', [...TOOLS, '{"name":"a","name":"b"}'])
  for (let round = 0; round < 2; round += 1) {
    assert.equal(filterAnswer(twice, { known, show: () => true }).ok, false)
  }
})

test('a list in an answer that was refused is news when it comes again', () => {
  const known = createKnownLists()
  const ask = (rest: string, id = '1') =>
    filterAnswer(answer(1, 'tools', TOOLS, rest), { id, known, show: () => true })
  assert.equal(ask('', '2').ok, false)
  assert.equal(ask(',"Tools":[]').ok, false)
  const shown = ask('')
  assert.ok(shown.ok && shown.news)
})

test('values of a known list count against the bounds of the answer they come in', () => {
  const known = createKnownLists()
  const list = [`{"name":"a","n":[${'0,'.repeat(60_000)}0]}`]
  const rest = `,"rest":[${'0,'.repeat(ANSWER_BOUNDS.maxNodes - 60_000)}0]`
  assert.equal(filterAnswer(answer(1, 'tools', list), { known, show: () => true }).ok, true)
  assert.equal(filterAnswer(answer(1, 'tools', list, rest), { known, show: () => true }).ok, false)
})

test('of more lists than are kept the oldest is read again', () => {
  const read = openReader()
  const page = (n: number): Buffer => answer(1, 'tools', [...TOOLS, `{"name":"page ${n}"}`])
  for (let n = 0; n < 9; n += 1) assert.equal(read(page(n)).news, true)
  assert.equal(read(page(8)).news, false)
  assert.equal(read(page(0)).news, true)
})

test('of long lists as many are kept as a bound on their texts lets, the latest first', () => {
  const read = openReader()
  const long = 'x'.repeat(900_000)
  const page = (n: number): Buffer =>
    answer(1, 'tools', [`{"name":"page ${n}","description":"${long}"}`])
  for (let n = 0; n < 3; n += 1) assert.equal(read(page(n)).news, true)
  assert.deepEqual(
    [2, 1, 0].map((n) => read(page(n)).news),
    [false, false, true],
  )
})
