/** What an operator says about a server to people who decide whether a client may use it. */
export type ConsentWords = {
  /** What people call it; undefined leaves its name. */
  readonly title: string | undefined
  /** What it is, in one sentence. */
  readonly sentence: string | undefined
  /** What giving a scope means, by its name. */
  readonly scopes: ReadonlyMap<string, string>
  readonly logo: Logo | undefined
}

/** A picture of ours: people's browsers get it from the gateway and nothing from anywhere else. */
export type Logo = {
  readonly type: 'image/png' | 'image/jpeg' | 'image/webp'
  readonly base64: string
  /** SHA-256 of the bytes, lower-case hex: its name. */
  readonly digest: string
}
