/**
 * Credential -> Caller, or a Refusal. There is no branch that goes on after a refusal, and no
 * credential that was presented and refused ever becomes the anonymous caller.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit, TokenRefusal } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Binding } from '../oauth/check-claims.ts'
import { LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import type { Revocations } from './admission.ts'
import { createAdmission } from './admission.ts'
import { ANONYMOUS } from './anonymous.ts'
import type { ApiKeyDigests } from './api-keys.ts'
import { createApiKeys } from './api-keys.ts'
import { createBearerTokens } from './bearer-tokens.ts'
import { bearerOf, kindOfBearer, provenTokenOf } from './credential.ts'
import { createFloodGate } from './flood-gate.ts'
import type { Introspect } from '../model/introspection.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { openIssuers } from './issuers.ts'
import type { FetchKeys } from './key-documents.ts'
import type { ProofsOptions } from './proofs.ts'
import { createProofs } from './proofs.ts'
import { refusalOf } from './refusal-of.ts'
import type { TokenCache, TokenEntry } from './token-cache.ts'
import { createTokenCache } from './token-cache.ts'
import type { ApiKeyEntry, TrustedIssuer } from './trust.ts'

/** What a visit presents. Credentials count only in these two headers, never in query, body or cookie. */
export type Presented = {
  /** The `Authorization` header as received; undefined when absent. */
  readonly authorization: string | undefined
  /** The `X-Api-Key` header as received; undefined when absent. */
  readonly apiKey: string | undefined
  /** The `DPoP` header as received; undefined when absent, and where none can be. */
  readonly dpop?: string | undefined
  readonly httpMethod: string
  /** The request target; it is on the host of the server. */
  readonly target: string
  /**
   * Thumbprint of the certificate that the client showed on this very connection (RFC 8705 §3); undefined
   * when it showed none, or somebody else ended its TLS.
   */
  readonly certificate?: string | undefined
  /** The peer whose failed attempts are counted together. */
  readonly address: string
}

/** What a reload hands to the next `createIdentify`: verified tokens, fetched keys, hashes of callers' keys. */
export type Handover = {
  readonly tokens: TokenCache
  /** By issuer and source; an entry whose source changed is not taken over. */
  readonly keys: ReadonlyMap<string, IssuerKeys>
  readonly apiKeyDigests: ApiKeyDigests
}

export type Identify = {
  /**
   * Returns who presents this credential to this server: at once when the token is known, else as a
   * promise.
   *
   * @throws {Refusal} (or rejects with) `unauthenticated`, `invalid_token`, `bad_credential`,
   *   `keys_unavailable`, `overloaded` or `rate_limited`; the reason is in `extra.detail` and never in the message.
   */
  (presented: Presented, server: McpServer): Caller | Promise<Caller>
  /**
   * Whether an open stream of this caller on this server may go on: its credential has not ended, is not
   * revoked, and would be accepted there now. A token counts as one to be verified again when the settings
   * of its issuer have changed or one of the issuer's keys was withdrawn: then it may not.
   */
  stillValid(caller: Caller, server: McpServer): boolean
  /**
   * Fetches keys that are missing or due. Call it at start, after a reload and once a minute; without it
   * they are fetched by the first token that needs them. Never rejects.
   */
  refreshKeys(): Promise<void>
  /**
   * Who shows this API key to sign in on a page of ours; undefined for one that is not valid. The servers
   * it is for do not matter: no server is asked. Failures are charged to the address as everywhere.
   */
  signIn(apiKey: string, address: string): Caller | undefined
  readonly handover: Handover
}

export type IdentifyOptions = {
  readonly issuers: readonly TrustedIssuer[]
  readonly apiKeys: readonly ApiKeyEntry[]
  readonly revocations: Revocations
  readonly fetchKeys: FetchKeys
  readonly readFile: (file: string) => Promise<string>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
  readonly isNew: ProofsOptions['isNew']
  /**
   * Makes room for a proof of this caller that is about to be noted; returns what gives it back.
   *
   * @throws {Refusal} `rate_limited` where it has brought too many.
   */
  readonly makeRoom: (caller: Caller, server: McpServer) => () => void
  readonly introspect: Introspect
  /** From the identify of the configuration before. */
  readonly handover?: Handover
}

/**
 * Returns the function that identifies callers under one configuration. Nothing is fetched yet.
 *
 * @throws {Error} when the configuration contradicts itself: an issuer twice or with a name of our
 *   own, an API key prefix twice, inline keys that cannot verify.
 */
export function createIdentify(options: IdentifyOptions): Identify {
  const { now, emit, revocations, isNew, handover } = options
  const { issuers, keys } = openIssuers(options, handover?.keys)
  const apiKeyDigests: ApiKeyDigests = handover?.apiKeyDigests ?? new WeakMap()
  const apiKeys = createApiKeys(options.apiKeys, apiKeyDigests)
  const tokens = handover?.tokens ?? createTokenCache()
  const gate = createFloodGate(now)
  const { introspect } = options
  const bearers = createBearerTokens({ issuers, introspect, tokens, gate, now })
  const admission = createAdmission(revocations)
  const proofs = createProofs({ now, isNew })

  const refuse = (reason: TokenRefusal): Refusal => {
    emit({ type: 'token_refused', reason })
    return refusalOf(reason)
  }
  const several = (): Refusal => {
    emit({ type: 'token_refused', reason: 'malformed' })
    return new Refusal('bad_credential', { detail: 'more than one credential' })
  }
  /** A refusal that is charged to the address. */
  const fail = (reason: TokenRefusal, address: string): Refusal =>
    refuse(gate.countFailure(address) ? reason : 'flooded')

  const verifyNew = async (token: string, address: string): Promise<TokenEntry> => {
    const verified = await bearers.verify(token, address)
    if (!verified.ok) throw refuse(verified.reason)
    return verified.entry
  }
  const admit = (entry: TokenEntry, server: McpServer, cached: 'cached' | 'new'): Caller => {
    const reason = admission.token(entry, server)
    if (reason !== undefined) throw refuse(reason)
    emit(cached === 'cached' ? entry.seenAgain : { ...entry.seenAgain, cached: false })
    return entry.caller
  }

  /** A token that is sent as it is counts only with the certificate it is bound to. */
  const checkCertificate = ({ kind, thumbprint }: Binding, { certificate }: Presented): void => {
    if (kind !== 'certificate' || certificate !== thumbprint) throw refuse('unproven')
  }

  const byNewToken = async (token: string, presented: Presented, server: McpServer) => {
    const entry = await verifyNew(token, presented.address)
    if (entry.binding !== undefined) checkCertificate(entry.binding, presented)
    return admit(entry, server, 'new')
  }

  const byProof = async (token: string, presented: Presented, server: McpServer) => {
    const { dpop, httpMethod, target, address } = presented
    if (kindOfBearer(token) !== 'token') throw fail('malformed', address)
    const known = bearers.find(token)
    const entry = known ?? (await verifyNew(token, address))
    const { binding } = entry
    // A token that is bound to no key proves nothing about who sends it (RFC 9449 §7.1).
    if (binding?.kind !== 'key') throw fail('bad_proof', address)
    const caller = admit(entry, server, known === undefined ? 'new' : 'cached')
    const { origin, pathname } = new URL(target, server.resource)
    const { thumbprint } = binding
    const request = { token, thumbprint, httpMethod, url: origin + pathname }
    const checked = await proofs.check(dpop, request, () => options.makeRoom(caller, server))
    if (checked.ok) return caller
    throw checked.fault === 'bad_proof' ? fail(checked.fault, address) : refuse(checked.fault)
  }

  const byApiKey = (text: string, address: string, server: McpServer): Caller => {
    const found = apiKeys.find(text, now() / 1000)
    if (!found.ok) throw fail(found.reason, address)
    const reason = admission.apiKey(found.key, server)
    if (reason !== undefined) throw refuse(reason)
    emit(found.key.seen)
    return found.key.caller
  }

  const byUnknown = (token: string, presented: Presented, server: McpServer) => {
    const { authorization = '', address } = presented
    const proven = provenTokenOf(authorization)
    if (proven !== undefined) return byProof(proven, presented, server)
    switch (kindOfBearer(token)) {
      case 'several':
        throw several()
      case 'malformed':
        throw fail('malformed', address)
      case 'api_key':
        return byApiKey(token, address, server)
      case 'token':
        return byNewToken(token, presented, server)
    }
  }

  const identify = (presented: Presented, server: McpServer) => {
    const { authorization, apiKey, address } = presented
    if (authorization === undefined) {
      if (apiKey !== undefined) return byApiKey(apiKey, address, server)
      if (server.anonymous) return ANONYMOUS
      throw refuse('missing')
    }
    if (apiKey !== undefined) throw several()
    const token = bearerOf(authorization)
    const entry = bearers.find(token)
    if (entry === undefined) return byUnknown(token, presented, server)
    if (entry.binding !== undefined) checkCertificate(entry.binding, presented)
    return admit(entry, server, 'cached')
  }

  /** A stream that is open goes on a while after calls of the same caller are refused as stale. */
  const endsStream = (reason: TokenRefusal | undefined): boolean =>
    reason !== undefined && (reason !== 'revocations_stale' || revocations.staleness === 'lost')

  /** When the credential of this caller ends, in epoch seconds; undefined when it would be refused now. */
  const endOf = (caller: Caller, server: McpServer): number | undefined => {
    switch (caller.via) {
      case 'anonymous':
        return server.anonymous ? Infinity : undefined
      case 'jwt': {
        const entry = bearers.of(caller)
        if (entry === undefined || endsStream(admission.token(entry, server))) return undefined
        return caller.expiresAtSeconds + LEEWAY_SECONDS
      }
      case 'api_key': {
        const key = apiKeys.of(caller)
        if (key === undefined || endsStream(admission.apiKey(key, server))) return undefined
        return key.caller.expiresAtSeconds
      }
    }
  }

  return Object.assign(identify, {
    stillValid: (caller: Caller, server: McpServer) =>
      now() / 1000 < (endOf(caller, server) ?? -Infinity),
    signIn: (text: string, address: string) => {
      const found = apiKeys.find(text, now() / 1000)
      if (!found.ok) {
        fail(found.reason, address)
        return undefined
      }
      const { caller } = found.key
      if (revocations.isRevoked(caller) || revocations.staleness !== 'fresh') return undefined
      return caller
    },
    refreshKeys: async () => {
      await Promise.all(Array.from(keys.values(), (issuerKeys) => issuerKeys.refresh()))
    },
    handover: { tokens, keys, apiKeyDigests },
  })
}
