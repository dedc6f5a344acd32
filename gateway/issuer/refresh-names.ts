/**
 * What refresh tokens are called. A token says which grant it is of, so that one that was used long ago is still
 * known for what it is, and nothing has to be kept of it; nobody else can make one that says so. And whoever uses
 * a token within its grace gets the same next one: with one of their own each, a thief who was as fast as the
 * owner would go on unnoticed (RFC 9700 §4.14.2).
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** 32 bytes in base64url: of a name, and of the proof that it was made here. */
const PART_CHARS = 43

export type RefreshNames = {
  /** The first token of a grant. */
  first(grant: string): string
  /** The one that comes after a token. */
  after(token: string, grant: string): string
  /** The grant of a token that was made here; undefined for any other text. */
  grantOf(token: string): string | undefined
}

/** @param keys In force now, the current one first; each opens what it has made. */
export function createRefreshNames(keys: () => readonly string[]): RefreshNames {
  const current = (): string => {
    const [key] = keys()
    if (key === undefined) throw new Error('a key ring needs a key')
    return key
  }
  const named = (name: string, grant: string): string =>
    name + mac(current(), ['grant', name, grant]) + grant
  return {
    first: (grant) => named(randomBytes(32).toString('base64url'), grant),
    after: (token, grant) => named(mac(current(), ['after', token]), grant),
    grantOf: (token) => {
      const name = token.slice(0, PART_CHARS)
      const proof = Buffer.from(token.slice(PART_CHARS, 2 * PART_CHARS))
      const grant = token.slice(2 * PART_CHARS)
      const isOurs = keys().some((key) => {
        const expected = Buffer.from(mac(key, ['grant', name, grant]))
        return proof.length === expected.length && timingSafeEqual(proof, expected)
      })
      return isOurs ? grant : undefined
    },
  }
}

function mac(key: string, about: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(about)).digest('base64url')
}
