/** An account of a person's at another service that a server works with. */
export type NeededAccount = {
  /** Name of the provider. */
  readonly provider: string
  /** The provider's name for people to read. */
  readonly title: string
  /** Which of the person's accounts there; `default` unless a server asks for another. */
  readonly account: string
  /** Access that the connection must give. */
  readonly scopes: readonly string[]
  readonly uses: readonly AccountUse[]
  /** Whether it is connected, with enough scope, and gives tokens. */
  readonly isConnected: boolean
}

/** What a server uses an account for. */
export type AccountUse = {
  readonly server: string
  /** These tools alone; undefined means all that have no account or credential of their own. */
  readonly tools: readonly string[] | undefined
}
