import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hashPassword, isPassword } from './passwords.ts'

test('A hash fits its password only, and never looks the same twice', async () => {
  const [one, two] = [await hashPassword('Käse und Brot 1'), await hashPassword('Käse und Brot 1')]
  assert.notEqual(one, two)
  assert.ok(await isPassword('Käse und Brot 1'.normalize('NFD'), one))
  assert.ok(!(await isPassword('Käse und Brot 2', one)))
  assert.ok(!(await isPassword('', one)))
})

test('Nobody has no password, and a hash that asks for too much is the hash of nobody', async () => {
  assert.ok(!(await isPassword('x', undefined)))
  assert.ok(!(await isPassword('', undefined)))
  for (const stored of ['', 'scrypt', 'scrypt$30$8$1$AAAA$AAAA', 'scrypt$x$y$z$AAAA$AAAA']) {
    assert.ok(!(await isPassword('x', stored)), stored)
  }
})
