/** Where the public keys of somebody are who signs tokens or statements. */
export type JwksSource =
  | { readonly kind: 'url'; readonly url: string }
  /** Read again when it changes. */
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'inline'; readonly keys: readonly Record<string, unknown>[] }

/** Whose signatures are believed, and what they may be made with. */
export type Signatory = {
  /** Compared with `iss` byte for byte. */
  readonly issuer: string
  readonly jwks: JwksSource
  /** JWS algorithms; symmetric ones and `none` are refused whatever stands here. */
  readonly algorithms: readonly string[]
}
