/** Where the public keys of somebody come from who signs: one of url, file and keys. */
import type { JwksSource } from '../model/jwks-source.ts'
import type { Path } from '../model/problem.ts'
import type { JwksFile } from './issuer-file.ts'
import type { Reading } from './reading.ts'
import { isExposed } from './urls.ts'

/** Members of a JWK that hold the secret part (RFC 7518 §6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

export type SignerFile = {
  readonly jwks: JwksFile
  readonly algorithms: readonly string[]
  /** Whether keys may come in the clear; without it they may not. */
  readonly allow_insecure_http?: boolean
}

/** One source of keys; the schema has seen to it that exactly one is named. Undefined when it is reported. */
export async function readJwks(
  reading: Reading,
  at: Path,
  { jwks, algorithms, allow_insecure_http: inTheClear }: SignerFile,
): Promise<JwksSource | undefined> {
  if (jwks.url !== undefined) {
    const path = [...at, 'url']
    const url = reading.url(path, jwks.url)
    if (url === undefined) return undefined
    reportExposed(reading, path, { url, inTheClear })
    return { kind: 'url', url: url.href }
  }
  if (jwks.file !== undefined) {
    await checkKeyFile(reading, [...at, 'file'], { file: jwks.file, algorithms })
    return { kind: 'file', file: reading.absolute(jwks.file) }
  }
  if (jwks.keys === undefined) return undefined
  for (const [index, key] of jwks.keys.entries()) {
    const why = keyFault(key)
    if (why !== undefined) reading.report([...at, 'keys', index], why)
  }
  if (jwks.keys.every(isSoundKey) && !reading.canVerify(jwks.keys, algorithms)) {
    reading.report([...at, 'keys'], noUse(algorithms))
  }
  return { kind: 'inline', keys: jwks.keys }
}

/**
 * Signing keys fetched in the clear are whatever somebody on the way says they are.
 *
 * @param inTheClear Whether the operator allows it; undefined where that cannot be allowed.
 */
export function reportExposed(
  reading: Reading,
  path: Path,
  { url, inTheClear }: { readonly url: URL; readonly inTheClear: boolean | undefined },
): void {
  if (!isExposed(url) || inTheClear === true) return
  const allow = ', or set allow_insecure_http: true on this issuer'
  const advice = `use https://${inTheClear === undefined ? '' : allow}`
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
