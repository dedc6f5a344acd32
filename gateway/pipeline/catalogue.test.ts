import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { HeaderParam } from '../mcp/header-params.ts'
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
