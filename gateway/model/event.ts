import type { Actor, CallerKind } from './caller.ts'

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
      /** The fetch was another's, another worker's perhaps, and is counted there. */
      readonly shared?: true
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
      readonly type: 'approval_asked' | 'approval_approved' | 'approval_denied'
      /** Of the request. */
      readonly id: string
      readonly rule: string
      readonly server: string
      readonly issuer: string
      readonly subject: string
      /** Who decided; undefined for a request. */
      readonly by: string | undefined
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
      /** What became of a person's connection to a provider. */
      readonly type: 'connection'
      readonly action: 'connected' | 'refreshed' | 'refresh_failed' | 'ended' | 'disconnected'
      readonly provider: string
      readonly account: string
      readonly tenant: string
      readonly issuer: string
      readonly subject: string
      /** Never holds a secret, nor what a provider said beyond an error code. */
      readonly detail?: string
    }
  | {
      /** A server was asked whose tokens it takes. */
      readonly type: 'provider_discovery'
      readonly provider: string
      readonly ok: boolean
      /** Of the authorization server, where one was found. */
      readonly issuer?: string
      /** What is wrong, and where. */
      readonly detail?: string
    }
  | {
      /** We registered as a client of an authorization server, or could not. */
      readonly type: 'provider_registration'
      readonly provider: string
      readonly issuer: string
      readonly ok: boolean
      /** The id we have there. */
      readonly client?: string
      readonly detail?: string
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
      /** The service that seals the keys of connections was asked. */
      readonly type: 'key_service'
      readonly operation: 'encrypt' | 'decrypt'
      readonly ok: boolean
      /** In words of ours; holds nothing that was sent or came back. */
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
  | {
      readonly type: 'client_registered'
      readonly client: string
      readonly kind: CallerKind
      /** The registration token it came with, by name; undefined for one that came with none. */
      readonly token: string | undefined
      /** Who vouched for its software, by name; undefined where nobody did. */
      readonly statement: string | undefined
      readonly address: string
    }
  | {
      readonly type: 'client_removed'
      readonly client: string
      readonly why: 'idle' | 'revoked' | 'itself'
      readonly by?: string
    }
  | {
      readonly type: 'token_issued'
      readonly client: string
      readonly kind: CallerKind
      readonly grantType: string
      /** The public URL of the server it is for. */
      readonly audience: string
      /** For whom: the person behind it, or the agent; undefined when the client has it for itself. */
      readonly subject: string | undefined
      /** Who acts for the subject, the current one first; absent when nobody does. */
      readonly actors?: readonly Actor[]
    }
  | {
      readonly type: 'oauth_refused'
      /** Which endpoint, as a metric label. */
      readonly endpoint: string
      /** The OAuth error code. */
      readonly error: string
      readonly client: string | undefined
      readonly address: string
      /** What was wrong with an assertion, code or refresh token, in words of our own; for records alone. */
      readonly detail?: string | undefined
    }
  | {
      readonly type: 'signed_in'
      /** The identity provider, or `local`. */
      readonly way: string
      readonly ok: boolean
      readonly subject: string | undefined
    }
  | {
      readonly type: 'signed_out'
      readonly subject: string
      /** The identity provider that said so; undefined for the person. */
      readonly way: string | undefined
    }
  | {
      readonly type: 'consented'
      readonly ok: boolean
      readonly subject: string
      readonly client: string
      readonly servers: readonly string[]
      readonly scopes: readonly string[]
    }
  | {
      readonly type: 'eras_learned'
      readonly server: string
      readonly eras: 'legacy' | 'modern' | 'both' | 'unknown'
      readonly versions: readonly string[]
    }
  | { readonly type: 'started' | 'stopping'; readonly version: string; readonly detail?: string }
  | {
      /** Somebody was told of a decision, or could not be. */
      readonly type: 'notified'
      readonly name: string
      readonly result: 'delivered' | 'dropped'
    }
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
