import assert from 'node:assert/strict'
import { test } from 'node:test'

import { summaryOf } from './described-tools.ts'

const said = (definition: unknown): string => summaryOf(JSON.stringify(definition))

test('A tool is told of by its title, or else by the first sentence about it, in one line', () => {
  assert.equal(said({ title: 'Search', description: 'Finds things.' }), 'Search')
  assert.equal(said({ annotations: { title: 'Search' }, description: 'Finds things.' }), 'Search')
  assert.equal(
    said({ description: 'Finds\n things, e.g.pages. Then more.' }),
    'Finds things, e.g.pages.',
  )
  assert.equal(said({ description: 'No end' }), 'No end')
})

test('A long summary is cut, what could disguise it is taken out, and what cannot be read says nothing', () => {
  assert.equal(said({ description: 'x'.repeat(500) }).length, 120)
  assert.equal(said({ description: 'Go\u202eod.' }), 'Good.')
  for (const definition of [{}, { title: 7, description: ['x'] }, [], 7, null]) {
    assert.equal(said(definition), '')
  }
  assert.equal(summaryOf('{"description":"cut of'), '')
  assert.equal(summaryOf(undefined), '')
})
