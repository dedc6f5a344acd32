import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseKeyRing } from '../settings/key-ring.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { keysNew } from './keys-new.ts'

async function run(...args: readonly string[]) {
  const sources = { now: () => Date.UTC(2026, 10, 23), randomBytes }
  return await runVerb((io) => keysNew(args, io, sources))
}

test('it prints one entry that the key ring accepts, named after the day', async () => {
  const { code, out } = await run()
  assert.equal(code, 0)
  assert.match(out, /^k2026-11-23:[A-Za-z0-9_-]{43}$/)
  const { keys, problems } = parseKeyRing(out)
  assert.deepEqual(problems, [])
  assert.equal(keys[0]?.id, 'k2026-11-23')
})

test('every key is another', async () => {
  assert.notEqual((await run()).out, (await run()).out)
})

test('the id may be chosen, and one that a ring would refuse is refused here', async () => {
  assert.match((await run('--id', 'blue')).out, /^blue:/)
  for (const id of ['', 'a:b', 'a b', 'a,b', 'x'.repeat(33)]) {
    const { code, out, err } = await run('--id', id)
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.match(err, /--id must be/)
  }
})

test('--help says how it is used, and an unknown option is a usage error', async () => {
  const { code, out } = await run('--help')
  assert.equal(code, 0)
  assert.match(out, /^Usage: gatehouse keys new/)
  await assert.rejects(run('--bits', '512'), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
})
