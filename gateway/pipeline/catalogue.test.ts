import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { HeaderParam } from '../mcp/header-params.ts'
import { DEFAULT_TRAITS } from '../model/tool-traits.ts'
import { createCatalogue } from './catalogue.ts'

const way = (header: string): readonly HeaderParam[] => [{ header, path: ['a'] }]
const LISTED = [{ kind: 'tool', name: 't' }] as const

test('a tool that never mirrored anything has no ways to mirror', () => {
  const catalogue = createCatalogue()
  catalogue.learnParams('docs', LISTED, new Map())
  assert.equal(catalogue.params('docs', 't'), undefined)
  catalogue.learnParams('docs', LISTED, new Map([['t', way('a')]]))
  assert.equal(catalogue.params('other', 't'), undefined)
  assert.equal(catalogue.params('docs', 'u'), undefined)
})

test('a tool that is listed otherwise has one way more, and the same way counts once', () => {
  const catalogue = createCatalogue()
  for (const header of ['a', 'b', 'a']) {
    catalogue.learnParams('docs', LISTED, new Map([['t', way(header)]]))
  }
  catalogue.learnParams('docs', LISTED, new Map())
  assert.deepEqual(catalogue.params('docs', 't'), [way('b'), way('a'), []])
})

test('a tool has the traits of each of its definitions, those without annotations included', () => {
  const catalogue = createCatalogue()
  const safe = { ...DEFAULT_TRAITS, readOnlyHint: true }
  catalogue.learnTraits('docs', LISTED, new Map())
  assert.deepEqual(catalogue.traits('docs', 't'), [])
  catalogue.learnTraits('docs', LISTED, new Map([['t', safe]]))
  catalogue.learnTraits('docs', LISTED, new Map())
  catalogue.learnTraits('docs', LISTED, new Map([['t', safe]]))
  assert.deepEqual(catalogue.traits('docs', 't'), [DEFAULT_TRAITS, safe])
  assert.deepEqual(catalogue.traits('db', 't'), [])
})

test('a tool that said nothing before it had annotations may still be had without', () => {
  const catalogue = createCatalogue()
  const safe = { ...DEFAULT_TRAITS, readOnlyHint: true }
  catalogue.learnTraits('docs', LISTED, new Map())
  catalogue.learnTraits('docs', LISTED, new Map([['t', safe]]))
  assert.deepEqual(catalogue.traits('docs', 't'), [DEFAULT_TRAITS, safe])
})

test('eight ways are kept of a tool, the newest ones', () => {
  const catalogue = createCatalogue()
  for (let at = 0; at < 20; at++) {
    catalogue.learnParams('docs', LISTED, new Map([['t', way(`h${at}`)]]))
  }
  const kept = catalogue.params('docs', 't')?.map(([param]) => param?.header)
  assert.deepEqual(kept, ['h12', 'h13', 'h14', 'h15', 'h16', 'h17', 'h18', 'h19'])
})

test('five thousand tools of a server are kept', () => {
  const catalogue = createCatalogue()
  const listed = Array.from(
    { length: 5_001 },
    (_, at) => ({ kind: 'tool', name: `t${at}` }) as const,
  )
  catalogue.learnParams('docs', listed, new Map(listed.map(({ name }) => [name, way('a')])))
  assert.deepEqual(catalogue.params('docs', 't4999'), [way('a')])
  assert.equal(catalogue.params('docs', 't5000'), undefined)
})

test('a page is known by every tool that was listed with it, the newest eight of each', () => {
  const catalogue = createCatalogue()
  catalogue.learnPages('docs', new Map([['a', ['ui://x/1']]]))
  catalogue.learnPages('docs', new Map([['b', ['ui://x/1', 'ui://x/2']]]))
  assert.deepEqual(catalogue.toolsOf('docs', 'ui://x/1'), ['a', 'b'])
  assert.deepEqual(catalogue.toolsOf('docs', 'ui://x/3'), [])
  assert.deepEqual(catalogue.toolsOf('wiki', 'ui://x/1'), [])
  for (let at = 0; at < 8; at++) catalogue.learnPages('docs', new Map([['a', [`ui://y/${at}`]]]))
  assert.deepEqual(catalogue.toolsOf('docs', 'ui://x/1'), ['b'])
  assert.deepEqual(catalogue.toolsOf('docs', 'ui://y/0'), ['a'])
})

test('five thousand tools with pages of a server are kept', () => {
  const catalogue = createCatalogue()
  const pages = Array.from({ length: 5_001 }, (_, at) => [`t${at}`, [`ui://x/${at}`]] as const)
  catalogue.learnPages('docs', new Map(pages))
  assert.deepEqual(catalogue.toolsOf('docs', 'ui://x/4999'), ['t4999'])
  assert.deepEqual(catalogue.toolsOf('docs', 'ui://x/5000'), [])
})
