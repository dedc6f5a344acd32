/**
 * What clients were sent to a page for, and that its person is done there: every process hears of it, since any
 * may hold the stream on which the client can be told (`notifications/elicitation/complete`, MCP 2025-11-25).
 */
import type { Store } from '../model/store.ts'
import { elicitationIdOf } from '../pipeline/link-answer.ts'
import type { Hearer } from './hearers.ts'

/** A link that has served its purpose, and the client it was given to. */
export type LinkEnd = {
  /** As the client was given it. */
  readonly url: string
  readonly server: string
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  readonly client: string
}

/** What processes tell each other of it. */
type Heard = Omit<LinkEnd, 'url'> & { readonly id: string }

/** Of the store; what is said there is a hint, and a client that misses it tries its call again anyway. */
const TOPIC = 'link-end'

/** Tells all processes that share the store; returns at once and never throws. */
export function tellLinkEnd(end: LinkEnd, store: Pick<Store, 'publish'>): void {
  const { url, server, tenant, issuer, subject, client } = end
  // Not the link itself, which can be long: what is told of it is the id alone.
  const heard: Heard = { id: elicitationIdOf(url), server, tenant, issuer, subject, client }
  store.publish(TOPIC, JSON.stringify(heard)).catch(() => undefined)
}

/** Tells those who hear on behalf of the very client, at the server of its call. Returns what ends it. */
export function hearLinkEnds(
  store: Pick<Store, 'subscribe'>,
  hearers: () => Iterable<Hearer>,
): () => void {
  return store.subscribe(TOPIC, (message) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- published right above
    const heard = JSON.parse(message) as Heard
    for (const hearer of hearers()) if (isFor(hearer, heard)) hearer.complete?.(heard.id)
  })
}

function isFor({ caller, server }: Hearer, end: Heard): boolean {
  return (
    server === end.server &&
    caller.tenant === end.tenant &&
    caller.issuer === end.issuer &&
    caller.subject === end.subject &&
    caller.client === end.client
  )
}
