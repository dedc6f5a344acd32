/** Tokens of every algorithm, good and bent, judged by jose and by us. */
import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { segment } from '../testkit/signer.ts'
import type { TokenRules } from './check-claims.ts'
import { LEEWAY_SECONDS } from './check-claims.ts'
import { readKeySet } from './key-set.ts'
import { parseJwt } from './parse-jwt.ts'
import { verifyJwt } from './verify-jwt.ts'

const options = fuzzOptions({
  what: 'tokens judged by jose and by us',
  test: 600,
  prove: 40_000,
})

const NOW = 1_800_000_000
const KEYS = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed: generateKeyPairSync('ed25519'),
}

type Method = {
  readonly key: keyof typeof KEYS
  readonly hash: string | undefined
  readonly padding?: number
  readonly saltLength?: number
}

const PSS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
}

const METHODS: Readonly<Record<string, Method>> = {
  RS256: { key: 'rsa', hash: 'sha256' },
  RS384: { key: 'rsa', hash: 'sha384' },
  RS512: { key: 'rsa', hash: 'sha512' },
  PS256: { key: 'rsa', hash: 'sha256', ...PSS },
  PS384: { key: 'rsa', hash: 'sha384', ...PSS },
  PS512: { key: 'rsa', hash: 'sha512', ...PSS },
  ES256: { key: 'p256', hash: 'sha256' },
  ES384: { key: 'p384', hash: 'sha384' },
  ES512: { key: 'p521', hash: 'sha512' },
  EdDSA: { key: 'ed', hash: undefined },
  Ed25519: { key: 'ed', hash: undefined },
}
/** Signs what no algorithm of that name does. */
const ODD_METHODS: Readonly<Record<string, Method>> = {
  'salt of another length': { ...PSS, key: 'rsa', hash: 'sha256', saltLength: 20 },
  'another hash': { key: 'p256', hash: 'sha384' },
}
const ALGORITHMS = Object.keys(METHODS)

const jwks = {
  keys: Object.entries(KEYS).map(([kid, { publicKey }]) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    use: 'sig',
  })),
}
const RULES: TokenRules = {
  issuer: 'https://idp.example',
  algorithms: ALGORITHMS,
  types: ['at+jwt'],
  allowManyAudiences: false,
  clientPaths: ['client_id'],
}
const CLAIMS = {
  iss: RULES.issuer,
  aud: 'https://gw.example/mcp/db',
  sub: 'alice',
  client_id: 'agent-a',
  iat: NOW - 10,
  exp: NOW + 290,
}

const joseKeys = createLocalJWKSet(jwks)
const ourKeys = readKeySet(jwks)

async function isGoodToJose(token: string): Promise<boolean> {
  try {
    await jwtVerify(token, joseKeys, {
      algorithms: ALGORITHMS,
      issuer: RULES.issuer,
      typ: 'at+jwt',
      requiredClaims: ['sub', 'aud', 'exp', 'iat'],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(NOW * 1_000),
    })
    return true
  } catch {
    return false
  }
}

async function isGoodToUs(token: string): Promise<boolean> {
  const parsed = parseJwt(token)
  if (!parsed.ok) return false
  const keysFor = () => ourKeys
  const judged = await verifyJwt({ jwt: parsed.jwt, rules: RULES, keysFor, nowSeconds: NOW })
  return judged.ok
}

type Made = { readonly signed: string; readonly signature: Buffer }

/** What says `alg` of itself, signed in that way. */
function make(alg: string, { key, hash, ...rest }: Method, change: object = {}): Made {
  const header = segment({ alg, typ: 'at+jwt', kid: METHODS[alg]?.key ?? key, ...change })
  const signed = `${header}.${segment(CLAIMS)}`
  const by = { key: KEYS[key].privateKey, dsaEncoding: 'ieee-p1363', ...rest } as const
  return { signed, signature: sign(hash, Buffer.from(signed), by) }
}

const every = [...Object.values(METHODS), ...Object.values(ODD_METHODS)]
const asTheySay = ALGORITHMS.map((alg) => make(alg, METHODS[alg]!))
const asTheyDoNot = [...ALGORITHMS, 'none', 'HS256', 'rs256', 'ES256K', ''].flatMap((alg) =>
  every.map((method) => make(alg, method)),
)
const HEADERS = [
  { kid: undefined },
  { kid: 'p384' },
  { kid: 'other' },
  { typ: 'JWT' },
  { typ: undefined },
  { typ: 'application/AT+jwt' },
  { jwk: jwks.keys[1] },
]
const otherHeads = ALGORITHMS.flatMap((alg) =>
  HEADERS.map((header) => make(alg, METHODS[alg]!, header)),
)

type Bend = (made: Made) => Made

const place = fc.nat()
const byte = fc.integer({ min: 0, max: 255 })
const onSignature = (change: (signature: Buffer) => Uint8Array): Bend => {
  return ({ signed, signature }) => ({
    signed,
    signature: Buffer.from(change(Buffer.from(signature))),
  })
}
const numbersOf = (pair: Buffer) =>
  [pair.subarray(0, pair.length / 2), pair.subarray(pair.length / 2)] as const

/** The order of each curve, by the length of a number: what is as good as its difference from another. */
const ORDERS: Readonly<Record<number, bigint>> = {
  32: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  48: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  66: 0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}
const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)
const bytesOf = (number: bigint, length: number) =>
  Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex')

const bends: fc.Arbitrary<Bend> = fc.oneof(
  fc.constant<Bend>((made) => made),
  fc.tuple(place, byte).map(([at, value]) =>
    onSignature((signature) => {
      signature[at % signature.length] = value
      return signature
    }),
  ),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => onSignature(() => bytes)),
  fc
    .uint8Array({ maxLength: 3 })
    .map((more) => onSignature((signature) => Buffer.concat([signature, more]))),
  fc
    .uint8Array({ maxLength: 3 })
    .map((more) => onSignature((signature) => Buffer.concat([more, signature]))),
  place.map((at) => onSignature((signature) => signature.subarray(at % 4))),
  place.map((at) => onSignature((signature) => signature.subarray(0, signature.length - (at % 4)))),
  fc.constant(onSignature((signature) => signature.fill(0))),
  // The halves in the other order, none of one, and the other number that is as good.
  fc.constant(onSignature((signature) => Buffer.concat([...numbersOf(signature)].toReversed()))),
  fc.constant(onSignature((signature) => signature.fill(0, signature.length / 2))),
  fc.constant(onSignature((signature) => signature.fill(0, 0, signature.length / 2))),
  // The same numbers, wider than they are written.
  fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
    .map(([before, between]) =>
      onSignature((signature) => {
        const [r, s] = numbersOf(signature)
        return Buffer.concat([Buffer.alloc(before), r, Buffer.alloc(between), s])
      }),
    ),
  fc.constantFrom(1n, -1n).map((sign) =>
    onSignature((signature) => {
      const [r, s] = numbersOf(signature)
      const order = ORDERS[s.length]
      const other = order === undefined ? undefined : sign * numberOf(s) + order
      if (other === undefined || other < 0n) return signature
      return Buffer.concat([r, bytesOf(other, s.length)])
    }),
  ),
  fc.constant(onSignature((signature) => derOfPair(signature))),
  fc.record({ sub: fc.string() }).map<Bend>((claims) => ({ signed, signature }) => {
    const [head = ''] = signed.split('.')
    return { signed: `${head}.${segment({ ...CLAIMS, ...claims })}`, signature }
  }),
)

/** As somebody writes it who knows no JWS. */
function derOfPair(pair: Buffer): Buffer {
  const numbers = numbersOf(pair).map((number) =>
    Buffer.concat([Buffer.from([2, number.length + 1, 0]), number]),
  )
  const body = Buffer.concat(numbers)
  return Buffer.concat([Buffer.from([0x30, body.length % 256]), body])
}

const tokenOf = ({ signed, signature }: Made) => `${signed}.${signature.toString('base64url')}`

test('jose and we find the same tokens good', async () => {
  let good = 0
  const made = fc.oneof(
    fc.constantFrom(...asTheySay),
    fc.constantFrom(...asTheyDoNot),
    fc.constantFrom(...otherHeads),
  )
  const property = fc.asyncProperty(made, bends, async (one, bend) => {
    const token = tokenOf(bend(one))
    const expected = await isGoodToJose(token)
    if (expected) good += 1
    assert.equal(await isGoodToUs(token), expected, token)
  })
  await fc.assert(property, options)
  assert.ok(good > options.numRuns / 20, `${good} good`)
})
