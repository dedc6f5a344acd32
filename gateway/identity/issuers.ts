/** The trusted issuers of one configuration, with what is made of their settings once. */
import { hash } from 'node:crypto'
import type { TokenRules } from '../oauth/check-claims.ts'
import type { IssuerKeys, KeyLoading } from './issuer-keys.ts'
import { createIssuerKeys } from './issuer-keys.ts'
import type { TrustedIssuer } from './trust.ts'

export type Issuer = {
  readonly trusted: TrustedIssuer
  readonly rules: TokenRules
  readonly keys: IssuerKeys
  /** A digest of the settings: the same settings have the same, over reloads too. */
  readonly trust: string
}

/** Keys by issuer and source, as a reload hands them on. */
export type KeysBySource = ReadonlyMap<string, IssuerKeys>

export type OpenIssuersOptions = KeyLoading & { readonly issuers: readonly TrustedIssuer[] }

/** Names of our own; a configured issuer with such a name could speak for API keys. */
const RESERVED = 'urn:gatehouse:'

/**
 * Returns the issuers by identifier and their keys by source. Keys of `before` are taken over where
 * issuer and source are the same, so that a reload does not fetch them anew; files are read again.
 *
 * @throws {Error} for an issuer that is there twice, has a reserved name, or whose inline keys cannot
 *   verify anything.
 */
export function openIssuers(
  { issuers, ...loading }: OpenIssuersOptions,
  before: KeysBySource = new Map(),
): { readonly issuers: ReadonlyMap<unknown, Issuer>; readonly keys: KeysBySource } {
  const opened = new Map<unknown, Issuer>()
  const keysBySource = new Map<string, IssuerKeys>()
  for (const trusted of issuers) {
    const { issuer, jwks: source } = trusted
    if (opened.has(issuer)) throw new Error(`issuer ${issuer} is configured twice`)
    if (issuer.startsWith(RESERVED)) throw new Error(`issuer ${issuer} uses a reserved name`)
    const place = JSON.stringify([issuer, source])
    const kept = before.get(place)
    // A changed key file is a reason to reload, so its keys are not trusted to be those read before.
    if (source.kind === 'file') kept?.expire()
    const keys = kept ?? createIssuerKeys({ ...loading, issuer, source })
    keysBySource.set(place, keys)
    opened.set(issuer, prepare(trusted, keys))
  }
  return { issuers: opened, keys: keysBySource }
}

function prepare(trusted: TrustedIssuer, keys: IssuerKeys): Issuer {
  const { issuer, algorithms, types, allowManyAudiences, claims } = trusted
  const rules = { issuer, algorithms, types, allowManyAudiences, clientPaths: claims.client }
  // Maps would be written as empty: whatever they hold must be in the digest too.
  const maps = { clients: [...trusted.clients], scopeIncludes: [...trusted.scopeIncludes] }
  const text = JSON.stringify({ ...trusted, ...maps })
  return { trusted, rules, keys, trust: hash('sha256', text, 'base64url') }
}
