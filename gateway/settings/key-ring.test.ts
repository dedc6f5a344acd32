import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { MAX_KEYS, parseKeyRing } from './key-ring.ts'

const good = (id: string): string => `${id}:${randomBytes(32).toString('base64url')}`
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const ring = (count: number): string =>
  Array.from({ length: count }, (_, index) => good(`k${index}`)).join(',')
const messages = (text: string): readonly string[] =>
  parseKeyRing(text).problems.map(({ line, message }) => `${line} ${message}`)

test('keys stand on lines or between commas, the first is current', () => {
  const [a, b, c] = [good('2026-02'), good('2026-01'), good('old')]
  const { keys, problems } = parseKeyRing(`# current\n${a}\n\n ${b} , ${c}\r\n`)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    keys.map(({ id, key }) => `${id}:${key.reveal()}`),
    [a, b, c],
  )
})

test('an empty ring has no keys and no problems', () => {
  assert.deepEqual(parseKeyRing(' \n# nothing\n'), { keys: [], problems: [] })
})

const refused: Record<string, readonly [entry: string, message: RegExp]> = {
  'an entry without id': [good(''), /must be <id>:<base64url of 32 bytes>/],
  'a key of 31 bytes': [`a:${encode(randomBytes(31))}`, /key "a" must be exactly 32 bytes/],
  'a key of 33 bytes': [`a:${encode(randomBytes(33))}`, /key "a" must be exactly 32 bytes/],
  'a key in plain base64': [`a:${randomBytes(32).toString('base64')}`, /must be/],
  zeros: [`a:${encode(new Uint8Array(32))}`, /key "a" is not random/],
  'consecutive bytes': [
    `a:${encode(Uint8Array.from({ length: 32 }, (_, index) => index + 1))}`,
    /key "a" is not random/,
  ],
  'encoded text': [`a:${encode(Buffer.from('this is my very secret key 12345'))}`, /not random/],
  'a short pattern over and over': [
    `a:${encode(Buffer.from('0f1e2d3c'.repeat(8), 'hex'))}`,
    /not random/,
  ],
}

for (const [what, [entry, message]] of Object.entries(refused)) {
  test(`a ring with ${what} is refused`, () => {
    const [problem = '', ...more] = messages(`# comment\n${entry}`)
    assert.match(problem, message)
    assert.match(problem, /^2 /)
    assert.deepEqual(more, [])
  })
}

test('an id used twice is refused, since handles name their key by it', () => {
  assert.deepEqual(messages(`${good('a')}\n${good('a')}`), [
    '2 key id "a" appears twice; "gatehouse keys new --id NAME" prints a key with another',
  ])
})

test('a ring has at most sixteen keys', () => {
  assert.deepEqual(messages(ring(MAX_KEYS)), [])
  assert.deepEqual(messages(ring(MAX_KEYS + 1)), ['1 more than 16 keys'])
})

test('no message and no printed key shows the key', () => {
  const weak = encode(Buffer.from('this is my very secret key 12345'))
  const { keys, problems } = parseKeyRing(`a:${weak}\n${weak}\n${good('b')}`)
  assert.doesNotMatch(JSON.stringify(problems), new RegExp(weak))
  assert.match(inspect(keys), /\[redacted\]/)
})
