import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutTexts } from './cut-elements.ts'
import { splice } from './edit.ts'

/** The list in a frame of other bytes, without the texts that start with `x`. */
function cut(list: string): string {
  const [before, after] = ['é"xx",[', ']"xx"']
  const bytes = Buffer.from(before + list + after)
  const start = Buffer.byteLength(before)
  const span = { start, end: start + Buffer.byteLength(list) }
  const edits = cutTexts(bytes, span, new Set(['x', 'x1', 'x2', 'xé', 'x,"']))
  const text = Buffer.from(splice(bytes, edits)).toString()
  assert.ok(text.startsWith(before) && text.endsWith(after))
  return text.slice(before.length, text.length - after.length)
}

test('texts go with one comma each, and what stays keeps its bytes', () => {
  const lists = [
    ['[]', '[]'],
    ['["a"]', '["a"]'],
    ['["x"]', '[]'],
    ['[ "x1" , "x2" ]', '[  ]'],
    ['["x","a"]', '["a"]'],
    ['["a","x"]', '["a"]'],
    ['[ "x1", "a" , "x2" , "\\u0062", "x" ]', '[ "a" , "\\u0062" ]'],
    ['["x","x1","a","x2","x","b"]', '["a","b"]'],
    ['["é","xé","é"]', '["é","é"]'],
  ] as const
  for (const [list, left] of lists) assert.equal(cut(list), left)
})

test('a text goes however it is written', () => {
  assert.equal(cut('["\\u0078","a","x\\u002c\\"","x\\u00e9"]'), '["a"]')
})
