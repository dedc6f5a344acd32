/**
 * How many requests the authorization server takes: from one network whatever they are, so that nobody keeps
 * it busy for everybody; and of one client those that end in a token, each of which costs a signature.
 */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { createBoundedMap } from '../identity/bounded-map.ts'
import type { IssuerLimits } from '../model/authorization-rules.ts'
import type { Budget } from '../model/limits.ts'
import { networkOf } from '../model/network-of.ts'
import { headerOf } from './http.ts'

/** Takes one out of a budget; it can be put back where nothing came of it. */
export type Take = (key: string, budget: Budget) => Promise<Taken>

export type Taken =
  | { readonly ok: true; readonly giveBack: () => void }
  | { readonly ok: false; readonly retryAfterSeconds: number }

export type Quotas = {
  /** Counts a request. */
  fromNetwork(address: string): Promise<Taken>
  /** Counts a request for a token; it is given back where it is refused. */
  ofClient(client: string): Promise<Taken>
  /**
   * Whether it is time to report that a network is refused: once a second and network, or whoever floods the
   * gateway would flood its records as well.
   */
  isNews(address: string): boolean
}

/** Networks remembered that were reported of late. */
const MAX_REPORTED = 10_000

const SECOND_MS = 1_000

const FREE: Taken = { ok: true, giveBack: () => undefined }

export function createQuotas(options: {
  /** In force now. */
  readonly limits: () => IssuerLimits
  readonly take: Take
  /** Epoch milliseconds. */
  readonly now: () => number
}): Quotas {
  const { limits, take, now } = options
  const reportedMs = createBoundedMap<number>(MAX_REPORTED)
  return {
    fromNetwork: async (address) => {
      const { network } = limits()
      return network === undefined ? FREE : await take(`oauth from ${networkOf(address)}`, network)
    },
    ofClient: async (id) => {
      const { client } = limits()
      // A client id may be an address, and nobody knows yet whether there is such a client.
      return client === undefined ? FREE : await take(`oauth of ${hash('sha256', id)}`, client)
    },
    isNews: (address) => {
      const network = networkOf(address)
      const before = reportedMs.get(network)
      if (before !== undefined && Math.abs(now() - before) < SECOND_MS) return false
      reportedMs.set(network, now())
      return true
    },
  }
}

/**
 * The client that a request for a token names, in any of the ways there are (RFC 6749 §2.3, RFC 7523 §2.2);
 * undefined where it names none. Nothing is verified: whoever names another one gets no token.
 */
export function namedClient(request: IncomingMessage, form: URLSearchParams): string | undefined {
  const basic = /^Basic (.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
  if (basic !== undefined) {
    const [id = ''] = Buffer.from(basic, 'base64').toString().split(':', 1)
    return decoded(id)
  }
  return form.get('client_id') ?? subjectOf(form.get('client_assertion') ?? '')
}

/** Ids in a header are form-encoded. */
function decoded(id: string): string | undefined {
  try {
    return decodeURIComponent(id.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function subjectOf(assertion: string): string | undefined {
  try {
    const text = Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()
    const subject: unknown = Reflect.get(Object(JSON.parse(text)), 'sub')
    return typeof subject === 'string' ? subject : undefined
  } catch {
    return undefined
  }
}
