/** Section `issuers`: whose tokens are accepted, and how they are read. */
import type { Introspection } from '../model/introspection.ts'
import type { Path } from '../model/problem.ts'
import type { ConfigFile, IssuerFile } from './config-file.ts'
import type { Reading } from './reading.ts'
import { readEndpoint } from './read-exchange.ts'
import type { IssuerSettings } from './settings.ts'
import { isExposed } from './urls.ts'

/** Members of a JWK that hold the secret part (RFC 7518 §6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * How long an active token is taken for active, in milliseconds: streams need time to ask again, and a
 * token that its issuer has revoked must not be good for longer (R-TOK-6).
 */
const MIN_AGE_MS = 5_000
const MAX_AGE_MS = 30_000

/** The issuers the schema has accepted; what else is wrong with them is reported. */
export async function readIssuers(
  reading: Reading,
  config: ConfigFile,
): Promise<readonly IssuerSettings[]> {
  const issuers: IssuerSettings[] = []
  for (const [index, file] of config.issuers.entries()) {
    const at: Path = ['issuers', index]
    if (!reading.isSound(at)) continue
    if (issuers.some(({ issuer }) => issuer === file.issuer)) {
      reading.report([...at, 'issuer'], `${file.issuer} is already configured above`)
    }
    const before = config.issuers.slice(0, index)
    if (file.introspection !== undefined && before.some(({ introspection }) => introspection)) {
      const advice = 'a token that says nothing does not say whom to ask'
      reading.reportKey([...at, 'introspection'], `only one issuer can be asked: ${advice}`)
    }
    const issuer = await readIssuer(reading, at, file)
    if (issuer !== undefined) issuers.push(issuer)
  }
  return issuers
}

async function readIssuer(
  reading: Reading,
  at: Path,
  file: IssuerFile,
): Promise<IssuerSettings | undefined> {
  const url = reading.url([...at, 'issuer'], file.issuer)
  if (url !== undefined) {
    // RFC 8414 §2: an issuer has no query and no fragment.
    if (url.search !== '') reading.report([...at, 'issuer'], 'must not contain a query')
    reportExposed(reading, [...at, 'issuer'], { url, file })
  }
  const jwks = await readJwks(reading, [...at, 'jwks'], file)
  const introspection = await readIntrospection(reading, [...at, 'introspection'], file)
  if (file.types.includes('*')) {
    reading.warn([...at, 'types'], 'any type of token is accepted, ID tokens too')
  }
  if (jwks === undefined || introspection === 'wrong') return undefined
  return {
    issuer: file.issuer,
    tenant: file.tenant,
    jwks,
    introspection,
    algorithms: file.algorithms,
    types: file.types.map((type) => type.toLowerCase().replace(/^application\//, '')),
    audiences: file.audiences,
    allowManyAudiences: file.allow_many_audiences,
    claims: { ...file.claims, kind: file.claims.kind },
    kind: file.kind,
    clients: new Map(Object.entries(file.clients)),
    interactive: file.interactive,
  }
}

/** Whom to ask about tokens that say nothing themselves. */
async function readIntrospection(
  reading: Reading,
  at: Path,
  { introspection: file, issuer }: IssuerFile,
): Promise<Introspection | undefined | 'wrong'> {
  if (file === undefined) return undefined
  const { url, client } = file
  const endpoint = await readEndpoint(reading, at, {
    url: { key: 'url', value: url },
    client: { key: 'client', value: client },
    issuer,
  })
  const maxAgeMs = reading.duration([...at, 'max_age'], file.max_age)
  if (maxAgeMs < MIN_AGE_MS || maxAgeMs > MAX_AGE_MS) {
    reading.report([...at, 'max_age'], 'must be from 5s to 30s')
  }
  return endpoint === undefined ? 'wrong' : { endpoint, maxAgeMs }
}

/** One source of keys; the schema has seen to it that exactly one is named, or none with introspection. */
async function readJwks(
  reading: Reading,
  at: Path,
  file: IssuerFile,
): Promise<IssuerSettings['jwks'] | undefined> {
  const { jwks } = file
  if (jwks === undefined) return { kind: 'none' }
  if (jwks.url !== undefined) {
    const path = [...at, 'url']
    const url = reading.url(path, jwks.url)
    if (url === undefined) return undefined
    reportExposed(reading, path, { url, file })
    return { kind: 'url', url: url.href }
  }
  if (jwks.file !== undefined) {
    await checkKeyFile(reading, [...at, 'file'], { file: jwks.file, algorithms: file.algorithms })
    return { kind: 'file', file: reading.absolute(jwks.file) }
  }
  if (jwks.keys === undefined) return undefined
  for (const [index, key] of jwks.keys.entries()) {
    const why = keyFault(key)
    if (why !== undefined) reading.report([...at, 'keys', index], why)
  }
  if (jwks.keys.every(isSoundKey) && !reading.canVerify(jwks.keys, file.algorithms)) {
    reading.report([...at, 'keys'], noUse(file.algorithms))
  }
  return { kind: 'inline', keys: jwks.keys }
}

/** Signing keys fetched in the clear are whatever somebody on the way says they are. */
function reportExposed(
  reading: Reading,
  path: Path,
  { url, file }: { readonly url: URL; readonly file: IssuerFile },
): void {
  if (!isExposed(url) || file.allow_insecure_http) return
  const advice = 'use https://, or set allow_insecure_http: true on this issuer'
  reading.report(path, `whoever is on the way could mint tokens; ${advice}`)
}

/** The file is read again whenever it changes; this only finds out now what would fail then. */
async function checkKeyFile(
  reading: Reading,
  path: Path,
  { file, algorithms }: { readonly file: string; readonly algorithms: readonly string[] },
): Promise<void> {
  const text = await reading.readText(path, file)
  if (text === undefined) return
  const keys = parseKeys(text)
  if (keys === undefined || keys.length === 0) {
    reading.report(
      path,
      `${reading.absolute(file)} is no JWKS: {"keys": […]} with at least one key`,
    )
    return
  }
  const faults = keys.map(keyFault).filter((why) => why !== undefined)
  if (faults.length === 0 && !reading.canVerify(keys, algorithms)) faults.push(noUse(algorithms))
  for (const why of faults) reading.report(path, `${reading.absolute(file)}: ${why}`)
}

function noUse(algorithms: readonly string[]): string {
  const needs = `"use" must be sig, and "kty", "crv" and "alg" fit ${algorithms.join(', ')}`
  return `no key here can verify a token: ${needs}`
}

/** The `keys` of a JWKS document (RFC 7517 §5); undefined when the text is none. */
function parseKeys(text: string): readonly unknown[] | undefined {
  try {
    const document: unknown = JSON.parse(text)
    const keys = isRecord(document) ? document['keys'] : undefined
    return Array.isArray(keys) ? keys : undefined
  } catch {
    return undefined
  }
}

/** A gateway verifies: it has no use for what could sign, and neither does a configuration. */
function keyFault(key: unknown): string | undefined {
  if (!isRecord(key) || typeof key['kty'] !== 'string') return 'a key without "kty"'
  if (key['kty'] === 'oct') return 'a symmetric key could also sign: use a public key'
  const member = PRIVATE_MEMBERS.find((name) => Object.hasOwn(key, name))
  return member === undefined ? undefined : `a private key ("${member}"): keep only the public part`
}

function isSoundKey(key: unknown): boolean {
  return keyFault(key) === undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
