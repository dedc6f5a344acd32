import type { CallerKind } from './caller.ts'

/**
 * What happened outside a call. Rooms tell it through `emit`; only `server/` connects it to metrics
 * and audit. `audit` events are chained into the audit log like calls are.
 */
export type GatehouseEvent =
  | {
      readonly type: 'token_verified'
      readonly issuer: string
      readonly kind: CallerKind
      readonly cached: boolean
    }
  | { readonly type: 'token_refused'; readonly reason: TokenRefusal }
  | {
      readonly type: 'jwks_fetched'
      readonly issuer: string
      readonly ok: boolean
      readonly detail?: string
    }
  | {
      readonly type: 'reload'
      readonly ok: boolean
      readonly version: string
      readonly detail?: string
      readonly needsRestart?: readonly string[]
    }
  | {
      readonly type: 'revoked' | 'revocation_lifted'
      readonly by: string
      readonly kind: RevocationKind
      readonly value: string
      readonly issuer: string | undefined
    }
  | {
      readonly type: 'grant_created' | 'grant_ended'
      readonly by: string
      readonly id: string
      readonly rule: string
      readonly issuer: string
      readonly subject: string
      readonly task: string | undefined
    }
  | {
      readonly type: 'admin'
      readonly by: string
      readonly action: string
      readonly ok: boolean
      readonly detail?: string
    }
  | {
      readonly type: 'session_opened' | 'session_ended'
      readonly server: string
      readonly callerKind: CallerKind
    }
  | {
      /** A credential was made for a caller, or could not be. */
      readonly type: 'swapped'
      readonly server: string
      readonly mode: 'exchange'
      readonly ok: boolean
      readonly detail?: string
    }
  | {
      /** A caller is shown another definition of a tool than before. */
      readonly type: 'tool_changed'
      readonly server: string
      readonly tool: string
      /** Hash of what it is now, and of what it was. */
      readonly definition: string
      readonly was: string
      /** Whether the tool is kept back until somebody accepts it. */
      readonly held: boolean
    }
  | {
      /** A definition that some caller sees where others see another. */
      readonly type: 'tool_variant'
      readonly server: string
      readonly tool: string
      readonly definition: string
    }
  | {
      readonly type: 'tool_accepted'
      readonly by: string
      readonly server: string
      readonly tool: string
      readonly definition: string
    }
  | { readonly type: 'started' | 'stopping'; readonly version: string; readonly detail?: string }
  | { readonly type: 'warning'; readonly what: string; readonly detail: string }

/** Why a credential was refused, as a metric label. */
export type TokenRefusal =
  | 'missing'
  | 'malformed'
  | 'unknown_issuer'
  | 'unknown_key'
  | 'bad_signature'
  | 'expired'
  | 'not_yet_valid'
  | 'wrong_audience'
  | 'wrong_type'
  | 'bad_claim'
  | 'unproven'
  | 'bad_proof'
  | 'replay_unknown'
  | 'inactive'
  | 'introspection_unavailable'
  | 'revoked'
  | 'unknown_api_key'
  | 'keys_unavailable'
  | 'revocations_stale'
  | 'flooded'

/** What a revocation names. `subject` ends everything issued to it before the cutoff. */
export type RevocationKind = 'token' | 'grant' | 'session' | 'client' | 'subject'

export type Emit = (event: GatehouseEvent) => void
