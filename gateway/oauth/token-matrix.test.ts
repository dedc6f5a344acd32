/**
 * Every member of a token with every wrong type and value, each correctly signed by the issuer's key,
 * so that nothing but the check in question can refuse it. None may be accepted.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { segment } from '../testkit/signer.ts'
import { readKeySet } from './key-set.ts'
import { parseJwt } from './parse-jwt.ts'
import { verifyJwt } from './verify-jwt.ts'

const NOW = 1_800_000_000
const AUDIENCE = 'https://gw.example/mcp/db'
const RULES = {
  issuer: 'https://idp.example',
  algorithms: ['ES256'],
  types: ['at+jwt'],
  allowManyAudiences: false,
  clientPaths: ['client_id'],
}
const HEADER = { alg: 'ES256', kid: 'key-1', typ: 'at+jwt' }
const CLAIMS = {
  iss: RULES.issuer,
  aud: AUDIENCE,
  sub: 'alice',
  client_id: 'agent-a',
  iat: NOW - 10,
  nbf: NOW - 10,
  exp: NOW + 290,
}
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const KEYS = readKeySet({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key-1' }] })!

/** Signs whatever stands there, as an issuer gone wrong would. */
function signed(header: unknown, claims: unknown): string {
  const input = `${segment(header)}.${segment(claims)}`
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

async function isAccepted(token: string): Promise<boolean> {
  const parsed = parseJwt(token)
  if (!parsed.ok) return false
  const options = { jwt: parsed.jwt, rules: RULES, keysFor: () => KEYS, nowSeconds: NOW }
  const result = await verifyJwt(options)
  return result.ok && result.claims.audiences.includes(AUDIENCE)
}

/** Of every JSON type, with the edges of each; none is right for any member of the table below. */
const NEVER: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  -0.5,
  1e308,
  '',
  '\u0000',
  'a\u0000',
  'a\nb',
  '\ud800',
  [],
  [null],
  [[]],
  [1],
  [{}],
  {},
  { a: 1 },
  { toString: 'x' },
  'x'.repeat(2_000),
]

/** More values that are wrong for one member although right for another. */
const HEADERS: Readonly<Record<string, readonly unknown[]>> = {
  alg: [
    undefined,
    'none',
    'NONE',
    'HS256',
    'HS512',
    'RS256',
    'PS256',
    'ES384',
    'ES512',
    'EdDSA',
    'es256',
    'ES256 ',
    ' ES256',
    'ES256K',
    'A256KW',
    ['ES256'],
    { alg: 'ES256' },
  ],
  kid: [
    'key-2',
    'KEY-1',
    'key-1 ',
    ' key-1',
    '../../etc/passwd',
    'key-1\u0000',
    '%6bey-1',
    "' OR 1=1",
    'https://canary.example',
    ['key-1'],
    { kid: 'key-1' },
  ],
  typ: [
    undefined,
    'JWT',
    'jwt',
    'at',
    'at+jwt+x',
    'xat+jwt',
    ' at+jwt',
    'at+jwt ',
    'at jwt',
    'at%2bjwt',
    'application/jwt',
    'text/at+jwt',
    'application/application/at+jwt',
    'logout+jwt',
    'dpop+jwt',
    'id+jwt',
    'secevent+jwt',
    ['at+jwt'],
  ],
  crit: [['exp'], ['alg'], ['b64'], ['x'], [''], 'exp'],
}

const CLAIM_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  iss: [
    undefined,
    'https://idp.example/',
    'https://IDP.EXAMPLE',
    'http://idp.example',
    'idp.example',
    'https://idp.example:443',
    'https://idp.example.',
    'https://idp.example#',
    ' https://idp.example',
    'https://idp.example ',
    'https://idp.example\u0000',
    'https://idp.ex\u0430mple',
    'urn:gatehouse:api-key',
    ['https://idp.example'],
    { iss: 'https://idp.example' },
  ],
  aud: [
    undefined,
    'agent-a',
    'https://gw.example',
    'https://gw.example/',
    'https://gw.example/mcp',
    'https://gw.example/mcp/d',
    `${AUDIENCE}/`,
    `${AUDIENCE}?`,
    `${AUDIENCE}#`,
    `${AUDIENCE} `,
    ` ${AUDIENCE}`,
    AUDIENCE.toUpperCase(),
    AUDIENCE.replace('https', 'http'),
    `${AUDIENCE},x`,
    `x ${AUDIENCE}`,
    '*',
    'https://gw.example/mcp/*',
    'https://gw.example/mcp/other',
    [AUDIENCE, 'x'],
    ['x', AUDIENCE],
    [AUDIENCE, AUDIENCE],
    [AUDIENCE, 1],
    [[AUDIENCE]],
    { aud: AUDIENCE },
    { 0: AUDIENCE, length: 1 },
  ],
  sub: [
    undefined,
    ['alice'],
    { sub: 'alice' },
    7,
    'a\u0007',
    'a\u0085',
    '\udfff',
    'x'.repeat(1_025),
  ],
  exp: [
    undefined,
    String(NOW + 290),
    `${NOW}.5`,
    NOW - 30,
    NOW - 31,
    NOW - 3_600,
    NOW - 11,
    NOW - 10,
    NOW + 86_391,
    NOW * 1_000,
    2 ** 31,
    2 ** 53,
    Number.MAX_VALUE,
    '2027-01-15T08:00:00Z',
    'never',
    [NOW + 290],
    1,
  ],
  iat: [
    undefined,
    String(NOW - 10),
    NOW + 31,
    NOW + 290,
    NOW + 291,
    NOW * 1_000,
    NOW - 86_111,
    1,
    'now',
    [NOW - 10],
    2 ** 53,
    '2027-01-15T08:00:00Z',
  ],
  nbf: [
    String(NOW - 10),
    NOW + 31,
    NOW + 3_600,
    NOW * 1_000,
    'now',
    [NOW - 10],
    2 ** 53,
    Number.MAX_VALUE,
  ],
  cnf: [{ jkt: 1 }, { jwk: {} }, { kid: 'x' }, { x5t: 'x' }, { 'x5t#S256': 1 }, 'x', 1],
}

/** Numbers that are right as `iat` or `nbf` because the past is wide. */
const RIGHT_TIMES = new Set<unknown>([0])

type Case = { readonly name: string; readonly token: string }

function* cases(): Generator<Case> {
  for (const [member, values] of Object.entries(HEADERS)) {
    for (const value of [...NEVER, ...values]) {
      const token = signed({ ...HEADER, [member]: value }, CLAIMS)
      yield { name: `header ${member} = ${JSON.stringify(value)?.slice(0, 80)}`, token }
    }
  }
  for (const [member, values] of Object.entries(CLAIM_VALUES)) {
    for (const value of [...NEVER, ...values]) {
      if (member === 'nbf' && RIGHT_TIMES.has(value)) continue
      const token = signed(HEADER, { ...CLAIMS, [member]: value })
      yield { name: `claim ${member} = ${JSON.stringify(value)?.slice(0, 80)}`, token }
    }
  }
  yield* repeated()
  yield* misspelt()
}

/** Each member twice: the right value first or last, spelt plainly or with an escape. */
function* repeated(): Generator<Case> {
  for (const [part, object] of [
    ['header', HEADER],
    ['claim', CLAIMS],
  ] as const) {
    const text = JSON.stringify(object)
    for (const [name, value] of Object.entries(object)) {
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      for (const spelling of [name, escaped]) {
        for (const other of [JSON.stringify(value), '"other"', 'null']) {
          const first = text.replace('{', `{"${spelling}":${other},`)
          const last = text.replace(/\}$/, `,"${spelling}":${other}}`)
          for (const doubled of [first, last]) {
            const pair = part === 'header' ? [doubled, CLAIMS] : [HEADER, doubled]
            yield { name: `${part} twice: ${doubled}`, token: signed(pair[0], pair[1]) }
          }
        }
      }
    }
  }
}

/** Each required claim under a name that only a lenient reader takes for it. */
function* misspelt(): Generator<Case> {
  const required = ['iss', 'aud', 'sub', 'exp', 'iat'] as const
  for (const name of required) {
    const { [name]: value, ...rest } = CLAIMS
    for (const wrong of [
      name.toUpperCase(),
      `${name} `,
      ` ${name}`,
      `${name}\u0000`,
      `\ufeff${name}`,
    ]) {
      yield {
        name: `claim ${JSON.stringify(wrong)}`,
        token: signed(HEADER, { ...rest, [wrong]: value }),
      }
    }
  }
}

test('the token that all mutations start from is accepted', async () => {
  assert.ok(await isAccepted(signed(HEADER, CLAIMS)))
  assert.ok(await isAccepted(signed({ ...HEADER, kid: undefined }, CLAIMS)))
  assert.ok(await isAccepted(signed(HEADER, { ...CLAIMS, nbf: undefined, aud: [AUDIENCE] })))
})

test('of more than 500 correctly signed mutations of header and claims none is accepted', async () => {
  const names = new Set<string>()
  const accepted: string[] = []
  for (const { name, token } of cases()) {
    names.add(name)
    if (await isAccepted(token)) accepted.push(name)
  }
  assert.deepEqual(accepted, [])
  assert.ok(names.size >= 500, `${names.size} different mutations`)
})

test('a token with any one character changed is not accepted', async () => {
  const token = signed(HEADER, CLAIMS)
  const accepted: number[] = []
  for (let at = 0; at < token.length; at += 1) {
    const other = token[at] === 'A' ? 'B' : 'A'
    const changed = token.slice(0, at) + other + token.slice(at + 1)
    if (await isAccepted(changed)) accepted.push(at)
  }
  assert.deepEqual(accepted, [])
})

test('a token with any one character missing, doubled or a prefix of it is not accepted', async () => {
  const token = signed(HEADER, CLAIMS)
  for (let at = 0; at < token.length; at += 3) {
    assert.ok(!(await isAccepted(token.slice(0, at) + token.slice(at + 1))), `without ${at}`)
    assert.ok(!(await isAccepted(token.slice(0, at + 1) + token.slice(at))), `doubled ${at}`)
    assert.ok(!(await isAccepted(token.slice(0, at))), `first ${at}`)
  }
})
