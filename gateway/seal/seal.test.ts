import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { RingKey } from '../model/ring-key.ts'
import { Secret } from '../model/secret.ts'
import { createSeals, MAX_HANDLE_CHARS, temporaryKey } from './seal.ts'

const OWNER = ['https://idp.test', 'alice', 'client-1', 'docs']

function key(id: string): RingKey {
  return { id, key: new Secret(randomBytes(32).toString('base64url')) }
}

const seals = createSeals([key('a')])

test('what was sealed opens for the same purpose and owner, whatever it says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.string()), (text, bound) => {
      const handle = seals.seal('session', bound, text)
      assert.match(handle, /^[A-Za-z0-9_-]+$/)
      assert.equal(seals.open('session', bound, handle), text)
    }),
  )
})

test('a handle opens for nobody else and for nothing else', () => {
  const handle = seals.seal('session', OWNER, 'upstream-1')
  const others: readonly (readonly string[])[] = [
    ...OWNER.map((_, at) => OWNER.with(at, 'mallory')),
    OWNER.slice(0, 3),
    [...OWNER, ''],
    // The same characters, parted elsewhere.
    ['https://idp.testalice', '', 'client-1', 'docs'],
    [OWNER.join('","')],
    [],
  ]
  for (const bound of others) assert.equal(seals.open('session', bound, handle), undefined)
  for (const purpose of ['event', 'request', 'endpoint', 'task', 'state'] as const) {
    assert.equal(seals.open(purpose, OWNER, handle), undefined)
  }
})

test('a handle that was changed in any character does not open', () => {
  const handle = seals.seal('session', OWNER, 'upstream-1')
  for (let at = 0; at < handle.length; at += 1) {
    const other = handle[at] === 'A' ? 'B' : 'A'
    const changed = handle.slice(0, at) + other + handle.slice(at + 1)
    assert.equal(seals.open('session', OWNER, changed), undefined, `character ${at}`)
  }
  for (const changed of [`${handle}A`, handle.slice(0, -1), `${handle}=`, ` ${handle}`]) {
    assert.equal(seals.open('session', OWNER, changed), undefined)
  }
})

test('what is no handle at all does not open', () => {
  const rubbish = [
    '',
    'A',
    'A'.repeat(42),
    'é'.repeat(60),
    'A'.repeat(MAX_HANDLE_CHARS + 1),
    '../..',
  ]
  for (const text of rubbish) assert.equal(seals.open('session', OWNER, text), undefined)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64url')
      assert.equal(seals.open('session', OWNER, text), undefined)
    }),
  )
})

test('two handles of the same text differ, and neither holds the text', () => {
  const [one, two] = [1, 2].map(() => seals.seal('session', OWNER, 'upstream-session-id'))
  assert.notEqual(one, two)
  assert.ok(!Buffer.from(one!, 'base64url').toString('latin1').includes('upstream'))
})

test('the handle of a request is the same each time, and another for anything else', () => {
  const handle = seals.seal('request', OWNER, '7')
  assert.equal(seals.seal('request', OWNER, '7'), handle)
  assert.equal(seals.open('request', OWNER, handle), '7')
  const others = [
    seals.seal('request', OWNER, '8'),
    seals.seal('request', [...OWNER, 'x'], '7'),
    createSeals([key('a')]).seal('request', OWNER, '7'),
  ]
  const nonce = (text: string): string => Buffer.from(text, 'base64url').toString('hex', 4, 16)
  for (const other of others) assert.notEqual(nonce(other), nonce(handle))
})

test('another process with the same ring opens it, one with another ring does not', () => {
  const ring = [key('a'), key('b')]
  const handle = createSeals(ring).seal('session', OWNER, 'x')
  assert.equal(createSeals([...ring]).open('session', OWNER, handle), 'x')
  assert.equal(createSeals([key('a')]).open('session', OWNER, handle), undefined)
})

test('after rotation the old key still opens and no longer seals; once removed it opens nothing', () => {
  const [old, fresh] = [key('2026-10'), key('2026-11')]
  const handle = createSeals([old]).seal('session', OWNER, 'x')
  const rotated = createSeals([fresh, old])
  assert.equal(rotated.open('session', OWNER, handle), 'x')
  assert.equal(
    createSeals([old]).open('session', OWNER, rotated.seal('session', OWNER, 'y')),
    undefined,
  )
  assert.equal(createSeals([fresh]).open('session', OWNER, handle), undefined)
})

test('a ring without a key is an error, and a temporary key is a key of its own each time', () => {
  assert.throws(() => createSeals([]), /needs a key/)
  const handle = createSeals([temporaryKey()]).seal('session', OWNER, 'x')
  assert.equal(createSeals([temporaryKey()]).open('session', OWNER, handle), undefined)
})
