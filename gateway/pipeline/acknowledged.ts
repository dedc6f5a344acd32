/** What a server says that it will tell a listener of. */
import { cutTexts } from '../mcp/cut-elements.ts'
import type { Edit } from '../mcp/edit.ts'
import type { Message } from '../mcp/message.ts'
import type { Permit } from '../model/permit.ts'

/**
 * The edits that take out of an acknowledgement the resources that were not asked for: none of them would be told
 * of, and their names are not the caller's to know.
 *
 * @param own The bytes of the message alone, which edits count from.
 */
export function unaskedEdits(
  own: Uint8Array,
  { method, params, span, spans }: Message,
  { call, dropped }: Permit,
): readonly Edit[] {
  const told = spans.resourceSubscriptions
  if (told === undefined || call.method !== 'subscriptions/listen') return []
  if (method !== 'notifications/subscriptions/acknowledged') return []
  const away = new Set(dropped.map(({ name }) => name))
  const asked = new Set(call.targets.map(({ name }) => name).filter((name) => !away.has(name)))
  const named = params?.listening?.resources ?? []
  const unasked = new Set(named.filter((name) => !asked.has(name)))
  if (unasked.size === 0) return []
  return cutTexts(own, { start: told.start - span.start, end: told.end - span.start }, unasked)
}
