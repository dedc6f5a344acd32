import { Buffer } from 'node:buffer'

import type { HeaderTemplate } from '../model/credential.ts'

/** A header with a credential in it: flat name, value. It is compared by identity when it was refused. */
export type Injection = readonly [header: string, value: string]

/** A provider where the caller has no account connected, or not with enough scope. */
export type Connectable = {
  readonly provider: string
  readonly account: string
  readonly scopes: readonly string[]
}

/** What there is for a caller. */
export type Found =
  | { readonly kind: 'injection'; readonly injection: Injection }
  | {
      readonly kind: 'missing'
      /** In words for the caller. Never holds a secret, nor what an authorization server said. */
      readonly reason: string
      /** What connecting would mend it. */
      readonly connect?: Connectable
    }

/** A token in its header. */
export function inject(token: string, { header, as, user }: HeaderTemplate): Found {
  return { kind: 'injection', injection: [header, valueOf(token, as, user)] }
}

/** @param reason For the caller; `connect` is the account that would mend it, where one would. */
export function missing(reason: string, connect?: Connectable): Found {
  return { kind: 'missing', reason, ...(connect !== undefined && { connect }) }
}

function valueOf(token: string, as: HeaderTemplate['as'], user: string): string {
  switch (as) {
    case 'bearer':
      return `Bearer ${token}`
    case 'basic':
      return `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
    case 'plain':
      return token
  }
}

/** RFC 9110 §5.5, without blanks: what a header can hold wherever it stands in it. */
export function fitsHeader(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token)
}
