import { filterAnswer } from '../mcp/list.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { isVisible } from '../policy/visible.ts'
import type { Answer } from '../upstream/answer.ts'
import type { Desk } from './desk.ts'
import type { Seated } from './visit.ts'

/** Longest that a client may keep a filtered list (`ttlMs`, MCP 2026-07-28 caching). */
const MAX_LIST_TTL_MS = 60_000

/** One answer to one permitted call. */
export type Answered = { readonly permit: Permit; readonly answer: Answer; readonly seat: Seated }

/**
 * One JSON-RPC message of a server without what policy hides from this caller. What it lists teaches
 * the catalogue which names exist.
 *
 * @throws {Refusal} `upstream_unavailable` when the message cannot be read strictly.
 */
export function showMessage(
  bytes: Uint8Array,
  permit: Permit,
  desk: Pick<Desk, 'rules' | 'catalogue'>,
): Uint8Array {
  const { caller, server } = permit
  const filtered = filterAnswer(bytes, {
    show: (kind, name) => isVisible(desk.rules, caller, server.name, kind, name),
    cache: { maxTtlMs: MAX_LIST_TTL_MS },
  })
  if (!filtered.ok) throw new Refusal('upstream_unavailable', { detail: filtered.problem.message })
  desk.catalogue.learn(server.name, filtered.listed)
  return filtered.bytes
}
