import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSigner, segment } from '../testkit/signer.ts'
import { parseJwt } from './parse-jwt.ts'

const signer = await createSigner('ES256')
const CLAIMS = { iss: 'https://idp.example', sub: 'alice', exp: 1_800_000_000 }

function reasonOf(text: string): string {
  const parsed = parseJwt(text)
  return parsed.ok ? 'parsed' : parsed.reason
}

test('what is no compact JWS is malformed and never an exception', async () => {
  const token = await signer.sign(CLAIMS)
  const [head, payload, signature] = token.split('.')
  const broken = [
    '',
    '.',
    '..',
    '...',
    'garbage',
    `${head}.${payload}`,
    `${token}.`,
    `${token}.AAAA.AAAA`,
    `${head}=.${payload}.${signature}`,
    `${head}.${payload}.${signature}=`,
    `${head}. ${payload}.${signature}`,
    `${segment([])}.${payload}.${signature}`,
    `${segment('null')}.${payload}.${signature}`,
    `${head}.${segment('{')}.${signature}`,
    `${head}.${Buffer.from([0xff, 0xfe]).toString('base64url')}.${signature}`,
    `${head}.${payload}.`,
    `${segment({ typ: 'at+jwt' })}.${payload}.${signature}`,
    `${segment({ alg: 1 })}.${payload}.${signature}`,
    `${segment({ alg: 'ES256', typ: 1 })}.${payload}.${signature}`,
    `${head}.${segment({ a: 'x'.repeat(8192) })}.${signature}`,
  ]
  for (const text of broken) assert.equal(reasonOf(text), 'malformed', text.slice(0, 80))
})

test('the spare bits of the last character may not be used to make a second token of one', async () => {
  const token = await signer.sign(CLAIMS)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) ?? '')
  const twin = token.slice(0, -1) + alphabet[last ^ 1]
  assert.deepEqual(
    Buffer.from(twin.split('.')[2]!, 'base64url'),
    Buffer.from(token.split('.')[2]!, 'base64url'),
  )
  assert.equal(reasonOf(twin), 'malformed')
})
