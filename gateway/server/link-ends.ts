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

/** Of the store; what is said there is a hint, and a client that misses it tries its call again anyway. */
const TOPIC = 'link-end'

export function tellLinkEnd(end: LinkEnd, store: Pick<Store, 'publish'>): void {
  const { url, server, tenant, issuer, subject, client } = end
  const message = JSON.stringify({ url, server, tenant, issuer, subject, client })
  store.publish(TOPIC, message).catch(() => undefined)
}

/** Tells those who hear on behalf of the very client, at the server of its call. Returns what ends it. */
export function hearLinkEnds(
  store: Pick<Store, 'subscribe'>,
  hearers: () => Iterable<Hearer>,
): () => void {
  return store.subscribe(TOPIC, (message) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- published right above
    const end = JSON.parse(message) as LinkEnd
    const id = elicitationIdOf(end.url)
    for (const hearer of hearers()) if (isFor(hearer, end)) hearer.complete?.(id)
  })
}

function isFor({ caller, server }: Hearer, end: LinkEnd): boolean {
  return (
    server === end.server &&
    caller.tenant === end.tenant &&
    caller.issuer === end.issuer &&
    caller.subject === end.subject &&
    caller.client === end.client
  )
}
