/**
 * Credential -> Caller, or a Refusal. There is no branch that goes on after a refusal, and no
 * credential that was presented and refused ever becomes the anonymous caller.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit, TokenRefusal } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import type { Revocations } from './admission.ts'
import { createAdmission } from './admission.ts'
import { ANONYMOUS } from './anonymous.ts'
import type { ApiKeyDigests } from './api-keys.ts'
import { createApiKeys } from './api-keys.ts'
import { createBearerTokens } from './bearer-tokens.ts'
import { bearerOf, kindOfBearer } from './credential.ts'
import { createFloodGate } from './flood-gate.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { openIssuers } from './issuers.ts'
import { refusalOf } from './refusal-of.ts'
import type { TokenCache } from './token-cache.ts'
import { createTokenCache } from './token-cache.ts'
import type { ApiKeyEntry, TrustedIssuer } from './trust.ts'

/** What a visit presents. Credentials count only in these two headers, never in query, body or cookie. */
export type Presented = {
  /** The `Authorization` header as received; undefined when absent. */
  readonly authorization: string | undefined
  /** The `X-Api-Key` header as received; undefined when absent. */
  readonly apiKey: string | undefined
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
   *   `keys_unavailable` or `overloaded`; the reason is in `extra.detail` and never in the message.
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
  readonly handover: Handover
}

export type IdentifyOptions = {
  readonly issuers: readonly TrustedIssuer[]
  readonly apiKeys: readonly ApiKeyEntry[]
  readonly revocations: Revocations
  /** Returns the JSON object at an operator-configured URL; rejects for anything else. */
  readonly fetchJson: (url: string) => Promise<unknown>
  readonly readFile: (file: string) => Promise<string>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
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
  const { now, emit, revocations, handover } = options
  const { issuers, keys } = openIssuers(options, handover?.keys)
  const apiKeyDigests: ApiKeyDigests = handover?.apiKeyDigests ?? new WeakMap()
  const apiKeys = createApiKeys(options.apiKeys, apiKeyDigests)
  const tokens = handover?.tokens ?? createTokenCache()
  const gate = createFloodGate(now)
  const bearers = createBearerTokens({ issuers, tokens, gate, now })
  const admission = createAdmission(revocations)

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

  const byNewToken = async (token: string, address: string, server: McpServer) => {
    const verified = await bearers.verify(token, address)
    if (!verified.ok) throw refuse(verified.reason)
    const { entry } = verified
    const reason = admission.token(entry, server)
    if (reason !== undefined) throw refuse(reason)
    emit({ ...entry.seenAgain, cached: false })
    return entry.caller
  }

  const byApiKey = (text: string, address: string, server: McpServer): Caller => {
    const found = apiKeys.find(text, now() / 1000)
    if (!found.ok) throw fail(found.reason, address)
    const reason = admission.apiKey(found.key, server)
    if (reason !== undefined) throw refuse(reason)
    emit(found.key.seen)
    return found.key.caller
  }

  const byUnknownBearer = (token: string, address: string, server: McpServer) => {
    switch (kindOfBearer(token)) {
      case 'several':
        throw several()
      case 'malformed':
        throw fail('malformed', address)
      case 'api_key':
        return byApiKey(token, address, server)
      case 'token':
        return byNewToken(token, address, server)
    }
  }

  const identify = ({ authorization, apiKey, address }: Presented, server: McpServer) => {
    if (authorization === undefined) {
      if (apiKey !== undefined) return byApiKey(apiKey, address, server)
      if (server.anonymous) return ANONYMOUS
      throw refuse('missing')
    }
    if (apiKey !== undefined) throw several()
    const token = bearerOf(authorization)
    const entry = bearers.find(token)
    if (entry === undefined) return byUnknownBearer(token, address, server)
    const reason = admission.token(entry, server)
    if (reason !== undefined) throw refuse(reason)
    emit(entry.seenAgain)
    return entry.caller
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
    refreshKeys: async () => {
      await Promise.all(Array.from(keys.values(), (issuerKeys) => issuerKeys.refresh()))
    },
    handover: { tokens, keys, apiKeyDigests },
  })
}
