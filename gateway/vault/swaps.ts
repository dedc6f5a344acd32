/** What a server gets instead of the caller's token, for the modes that make one for each caller. */
import type { CallerCredential } from '../model/credential.ts'
import type { Caller } from '../model/caller.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import type { Connectable, Found } from './found.ts'
import { createIssue } from './issue.ts'
import type { Keeper } from './keeper.ts'

export type Wanted = {
  /** Name of the server it is for. */
  readonly server: string
  readonly caller: Caller
  readonly credential: CallerCredential
  /** The token the caller presented; undefined when it presented none. */
  readonly token: string | undefined
}

export type Swaps = {
  /** At once when it is warm. @throws {Refusal} (or rejects with) `credential_unavailable`. */
  find(wanted: Wanted): Found | Promise<Found>
  /** Where this caller can connect what it lacks; undefined for a caller nobody stands behind. */
  connectLink(caller: Caller, wanted: Connectable, server: string): string | undefined
  /**
   * What the caller lacks when its server asks for these scopes; undefined where they are not to be had by
   * connecting.
   */
  widen(wanted: Wanted, scopes: readonly string[]): Found | undefined
  /** Another one, once the server has refused `refused`. */
  renew(wanted: Wanted, refused: Found): Promise<Found>
}

/** One for each configuration: what is warm belongs to its credentials. */
export function createSwaps(
  options: ExchangeOptions & {
    readonly keeper: Keeper
    readonly connectLink: Swaps['connectLink']
  },
): Swaps {
  const { keeper } = options
  const issue = createIssue(options)
  const exchange = createExchange(options)
  return {
    connectLink: options.connectLink,
    find(wanted) {
      const { caller, credential } = wanted
      switch (credential.kind) {
        case 'issue':
          return issue.find(caller, credential)
        case 'exchange':
          return exchange.find({ ...wanted, credential })
        case 'vault':
          return keeper.find({ caller, credential })
      }
    },
    widen({ caller, credential }, scopes) {
      return credential.kind === 'vault' ? keeper.widen({ caller, credential }, scopes) : undefined
    },
    async renew(wanted, refused) {
      const { caller, credential } = wanted
      switch (credential.kind) {
        case 'issue':
          return issue.renew(caller, credential)
        case 'exchange':
          return await exchange.renew({ ...wanted, credential }, refused)
        case 'vault':
          return await keeper.renew({ caller, credential }, refused)
      }
    },
  }
}
