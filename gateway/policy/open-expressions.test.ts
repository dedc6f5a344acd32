import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openExpressions } from './open-expressions.ts'

/** What becomes of an expression after policy files of one rule each. */
async function open(...rules: readonly Readonly<Record<string, unknown>>[]): Promise<boolean> {
  const documents = rules.map((rule) => ({
    file: '',
    data: { version: 1, rules: [{ id: 'a', effect: 'allow', subjects: [{ any: true }], ...rule }] },
    at: () => ({ line: 1, column: 1 }),
  }))
  const compile = await openExpressions(documents)
  return compile('args.n > 1').ok
}

test('expressions are compiled when any rule of any file has one', async () => {
  assert.equal(await open({ tools: ['docs/*'] }, { when: 'args.n > 1' }), true)
})

test('where no rule has an expression, one that turns up all the same is refused', async () => {
  assert.equal(await open(), false)
  assert.equal(await open({ tools: ['docs/*'], reason: 'when' }), false)
})
