/** Whose assertions are taken at the token endpoint: with which keys they are verified, and how long they may live. */
import type { SignedRules } from '../model/authorization-rules.ts'
import type { Path } from '../model/problem.ts'
import type { SignatoryFile } from './issuer-file.ts'
import { readJwks } from './read-jwks.ts'
import type { Reading } from './reading.ts'

/** Below, clocks that differ refuse what is in order; in milliseconds. */
const MIN_LIFE_MS = 60_000

/**
 * How assertions are verified; undefined when something about it is reported.
 *
 * @param mostMs The longest life that may be configured: whoever copies an assertion has it for as long.
 */
export async function readSigned(
  reading: Reading,
  at: Path,
  { file, mostMs }: { readonly file: SignatoryFile; readonly mostMs: number },
): Promise<SignedRules | undefined> {
  const lifeMs = reading.duration([...at, 'max_life'], file.max_life)
  if (lifeMs < MIN_LIFE_MS || lifeMs > mostMs) {
    reading.report([...at, 'max_life'], `must be from 1m to ${mostMs / 3_600_000}h`)
  }
  const { algorithms } = file
  const jwks = await readJwks(reading, [...at, 'jwks'], { jwks: file.jwks, algorithms })
  return jwks && { jwks, algorithms, maxLifeSeconds: lifeMs / 1_000 }
}
