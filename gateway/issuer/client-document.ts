/**
 * Clients that are described at their own address (OAuth Client ID Metadata Document): which addresses are
 * asked, how often, and what of a document is believed.
 */
import type { Entitlement, SignInProvider } from '../model/authorization-rules.ts'
import { networkOf } from '../model/network-of.ts'
import type { Store } from '../model/store.ts'
import { readClientMetadata, redirectFault } from './client-metadata.ts'
import type { Setup } from './setup.ts'
import { SELF_REGISTERED } from './setup.ts'

/** A document that could not be had, or was wrong, is not asked for again for this long, in milliseconds. */
const FAILED_MS = 60_000

/** Failures remembered; the oldest is forgotten. */
const MAX_FAILED = 1_000

const MINUTE_MS = 60_000

export type ClientDocuments = {
  /** Whether this address may be asked now, for somebody at this network address. */
  mayFetch(id: string, address: string): Promise<boolean>
  /** The document, with nothing in it but what counts here; rejects where it is not in order. */
  fetch(id: string): Promise<Response>
}

export type ClientDocumentsOptions = {
  readonly setup: () => Setup
  /** Fetches from the public internet and from nowhere else. */
  readonly publicFetch: (url: string) => Promise<Response>
  readonly store: Pick<Store, 'count'>
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Whether a client id is an address, and clients at this one are served. */
export function isServedDocument(id: string, { documents }: Pick<Setup, 'documents'>): boolean {
  if (!id.startsWith('https://') || documents.mode === 'off') return false
  return documents.mode === 'open' || hostIn(id, documents.hosts)
}

/** What a client may that is described at this address: as one that registered itself, but for what operators say. */
export function entitlementAt(
  id: string,
  { documents, signIn }: Pick<Setup, 'documents' | 'signIn'>,
): Entitlement {
  const kind = hostIn(id, documents.humanHosts) ? 'human' : SELF_REGISTERED.kind
  const isTrusted = [...signIn.values()].some((provider) => mayBring(id, provider))
  const { grants } = SELF_REGISTERED
  return { ...SELF_REGISTERED, kind, grants: isTrusted ? [...grants, 'jwt_bearer'] : grants }
}

/** Whether a client that is described at this address may bring what this identity provider says of people. */
export function mayBring(id: string, { assertions }: Pick<SignInProvider, 'assertions'>): boolean {
  return assertions !== undefined && hostIn(id, assertions.clientHosts)
}

export function createClientDocuments(options: ClientDocumentsOptions): ClientDocuments {
  const { setup, publicFetch, store, now } = options
  const failed = new Map<string, number>()
  const remember = (id: string): void => {
    failed.delete(id)
    failed.set(id, now() + FAILED_MS)
    const oldest = failed.keys().next()
    if (failed.size > MAX_FAILED && oldest.done !== true) failed.delete(oldest.value)
  }
  return {
    mayFetch: async (id, address) => {
      if (!isServedDocument(id, setup()) || now() < (failed.get(id) ?? 0)) return false
      const minute = Math.floor(now() / MINUTE_MS)
      const count = await store.count(`documents/${networkOf(address)}/${minute}`, 1, 2 * MINUTE_MS)
      return count <= setup().registration.perMinute
    },
    fetch: async (id) => {
      try {
        return await readDocument(id, await publicFetch(id), setup())
      } catch (error) {
        remember(id)
        throw error
      }
    },
  }
}

async function readDocument(id: string, response: Response, setup: Setup): Promise<Response> {
  if (response.status !== 200) throw new Error(`status ${response.status}`)
  const document: unknown = await response.json()
  const named: unknown = Reflect.get(Object(document), 'client_id')
  if (named !== id) throw new Error('it is about another client')
  const rules = { entitlement: entitlementAt(id, setup), redirectHosts: undefined }
  const within = withAllowed(id, document, setup.registration.redirectHosts)
  const read = readClientMetadata(within, rules)
  if (!read.ok) throw new Error(read.why)
  return Response.json({ client_id: id, ...read.metadata }, { headers: response.headers })
}

/**
 * The document with those of its redirects that the operator's list allows, and those to its own host: a
 * document is written for everybody, and lists redirects that are of no use here.
 */
function withAllowed(
  id: string,
  document: unknown,
  redirectHosts: readonly string[] | undefined,
): unknown {
  const redirects: unknown = Reflect.get(Object(document), 'redirect_uris')
  if (redirectHosts === undefined || !Array.isArray(redirects)) return document
  const hosts = [...redirectHosts, new URL(id).host]
  const allowed = redirects.filter(
    (uri) => typeof uri !== 'string' || redirectFault(uri, hosts) === undefined,
  )
  return { ...Object(document), redirect_uris: allowed }
}

function hostIn(id: string, hosts: readonly string[]): boolean {
  const hostname = URL.parse(id)?.hostname ?? ''
  return hosts.some((host) =>
    host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host,
  )
}
