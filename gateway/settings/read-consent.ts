/** `servers.X.consent`: what people are told about a server when they decide who may use it. */
import { hash } from 'node:crypto'

import type { ConsentWords, Logo } from '../model/consent-words.ts'
import type { Path } from '../model/problem.ts'
import type { ServerFile } from './server-file.ts'
import { nearest } from './nearest.ts'
import type { Reading } from './reading.ts'

/** Largest logo, in bytes: it is shown 40 pixels high, and kept in memory. */
export const MAX_LOGO_BYTES = 65_536

/** What a file of each kind begins with, as hexadecimal; `.` stands for any digit. */
const SIGNATURES: readonly (readonly [Logo['type'], RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  // RIFF, four bytes of length, WEBP.
  ['image/webp', /^52494646.{8}57454250/],
]

/** @param at Of the server. */
export async function readConsent(
  reading: Reading,
  at: Path,
  { consent, scopes: known }: ServerFile,
): Promise<ConsentWords | undefined> {
  if (consent === undefined) return undefined
  const { title, sentence, scopes, logo } = consent
  for (const name of Object.keys(scopes)) {
    // Where the server names none, they are those that rules ask for.
    if (known.length === 0 || known.includes(name)) continue
    const close = nearest(name, known)
    const advice = close === undefined ? '' : `; did you mean "${close}"?`
    reading.reportKey([...at, 'consent', 'scopes', name], `is no scope of this server${advice}`)
  }
  return {
    title,
    sentence,
    scopes: new Map(Object.entries(scopes)),
    logo:
      logo === undefined ? undefined : await readLogo(reading, [...at, 'consent', 'logo'], logo),
  }
}

/** Undefined for a file that is reported. What it is, its bytes say and not its name. */
async function readLogo(reading: Reading, at: Path, file: string): Promise<Logo | undefined> {
  const bytes = await reading.readBytes(at, file, MAX_LOGO_BYTES)
  if (bytes === undefined) return undefined
  const buffer = Buffer.from(bytes)
  const start = buffer.toString('hex', 0, 16)
  const type = SIGNATURES.find(([, signature]) => signature.test(start))?.[0]
  if (type === undefined) {
    reading.report(at, 'must be a PNG, JPEG or WebP picture')
    return undefined
  }
  return { type, base64: buffer.toString('base64'), digest: hash('sha256', bytes, 'hex') }
}
