/** Issuers of tokens, and API keys, as the configuration file has them; see `config-file.ts`. */
import type { CallerKind } from '../model/caller.ts'
import type { OAuthClientFile } from './credential-file.ts'

export type JwksFile = {
  readonly url?: string
  readonly file?: string
  readonly keys?: readonly Readonly<Record<string, unknown>>[]
}

/** Whose signed statements are believed, and for how long at most. */
export type SignatoryFile = {
  readonly jwks: JwksFile
  readonly algorithms: readonly string[]
  readonly max_life: string
}

export type IssuerFile = {
  readonly issuer: string
  readonly tenant: string
  readonly jwks?: JwksFile
  readonly introspection?: {
    readonly url: string
    readonly client: OAuthClientFile
    readonly max_age: string
  }
  readonly allow_insecure_http: boolean
  readonly algorithms: readonly string[]
  readonly types: readonly string[]
  readonly audiences: readonly string[]
  readonly allow_many_audiences: boolean
  readonly claims: {
    readonly subject: string
    readonly client: readonly string[]
    readonly groups: string
    readonly scopes: string
    readonly kind?: string
    readonly grant: string
    readonly session: string
  }
  readonly kind: CallerKind
  readonly clients: Readonly<Record<string, CallerKind>>
  readonly interactive: boolean
}

export type ApiKeyFile = {
  readonly prefix: string
  readonly sha256: string
  readonly tenant: string
  readonly subject: string
  readonly client: string
  readonly owner: string
  readonly kind: CallerKind
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  readonly servers?: readonly string[]
  readonly expires?: string
}
