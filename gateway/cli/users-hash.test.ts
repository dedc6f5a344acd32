import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPassword } from '../identity/passwords.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { usersHash } from './users-hash.ts'

async function run(password: string, ...args: readonly string[]) {
  return await runVerb((io) => usersHash(args, io, () => Promise.resolve(password)))
}

test('users hash prints a hash that fits the password and no other', async () => {
  const { code, out } = await run('correct horse battery')
  assert.equal(code, 0)
  assert.ok(await isPassword('correct horse battery', out))
  assert.ok(!(await isPassword('correct horse batterz', out)))
})

test('users hash refuses a password that would be guessed, and never repeats it', async () => {
  const { code, out, err } = await run('hunter2')
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.ok(!err.includes('hunter2'))
})
