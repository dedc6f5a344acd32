import { withServedVersions } from '../mcp/discovered.ts'
import type { FilteredAnswer, FilterOptions } from '../mcp/list.ts'
import { filterAnswer } from '../mcp/list.ts'
import type { Caller } from '../model/caller.ts'
import type { Permit } from '../model/permit.ts'
import type { Occasion } from '../policy/occasion.ts'
import { isVisible } from '../policy/visible.ts'
import type { Answer } from '../upstream/answer.ts'
import type { Desk } from './desk.ts'
import { endWithTask, endWithTasks } from './end-with-task.ts'
import type { Seat } from './frame.ts'
import { learnList } from './learn-list.ts'
import { withFreeTools } from './name-tools.ts'
import { occasionOn } from './occasion-on.ts'
import { observePage } from './pins.ts'
import { sealState } from './request-state.ts'
import { showTasks } from './show-tasks.ts'
import type { Seated } from './visit.ts'

/** Longest that a client may keep what it was shown (`ttlMs`, MCP 2026-07-28 caching). */
const CACHE = { maxTtlMs: 60_000 }

/** One answer to one permitted call. */
export type Answered = { readonly permit: Permit; readonly answer: Answer; readonly seat: Seated }

export type Showing = {
  readonly bytes: Uint8Array
  /** The request it must answer, see `FilterOptions`. */
  readonly id: string | undefined
  readonly permit: Permit
  readonly seat: Seat
  /** Whether it answers the permitted call; what it tells may else be of any call. */
  readonly answers: 'this_call' | 'any_call'
}

/**
 * One JSON-RPC response of a server without what policy hides from this caller, or why it cannot be
 * shown. What it lists teaches the catalogue which names exist and what is mirrored into headers. Whoever
 * shows a result with `inputs` judges them first.
 */
export function showMessage(
  showing: Showing,
  desk: Pick<Desk, 'rules' | 'facts' | 'grants' | 'catalogue' | 'pins' | 'seals' | 'tasks' | 'now'>,
): FilteredAnswer {
  const { bytes, id, permit } = showing
  const {
    caller,
    server,
    call: { era },
  } = permit
  let occasion: Occasion | undefined
  const options: FilterOptions = {
    id,
    show: (kind, name) => {
      occasion ??= occasionOn(showing, desk)
      const target = withFreeTools({ kind, name }, server, desk)
      return isVisible(desk.rules, caller, target, occasion)
    },
    cache: era === 'modern' ? cacheFor(caller, desk) : CACHE,
    known: desk.catalogue.lists(server.name, era),
    sealState: era === 'modern' ? (state) => sealState(state, permit, desk) : undefined,
  }
  let filtered = filterAnswer(bytes, options)
  if (filtered.ok && filtered.news) {
    learnList(desk.catalogue, server.name, { bytes, listed: filtered.listed, era })
    // What is shown may depend on what this very list says of its tools.
    const { readsTraits } = desk.rules.servers.get(server.name) ?? { readsTraits: false }
    if (readsTraits) filtered = filterAnswer(bytes, options)
  }
  if (filtered.ok && filtered.tools !== undefined) {
    const page = filtered.tools === 'not_kept' ? undefined : filtered.tools
    const hidden = observePage(desk.pins, permit, { bytes, page })
    if (hidden !== undefined) {
      const { show } = options
      const without: typeof show = (kind, name) =>
        !(kind === 'tool' && hidden.has(name)) && show(kind, name)
      return finish(filterAnswer(bytes, { ...options, show: without }), showing, desk)
    }
  }
  return finish(filtered, showing, desk)
}

function finish(
  filtered: FilteredAnswer,
  showing: Showing,
  desk: Parameters<typeof showMessage>[1],
): FilteredAnswer {
  if (!filtered.ok) return filtered
  const { permit, answers } = showing
  if (permit.call.method === 'server/discover') {
    return { ...filtered, bytes: withServedVersions(filtered.bytes) }
  }
  if (permit.call.method === 'tasks/result' && answers === 'this_call') {
    // It is answered once the task is over, with what the task came to, be it an error (MCP 2025-11-25).
    const task = permit.call.targets[0]?.task
    if (task !== undefined) endWithTask(task.id, permit, desk)
  }
  if (!filtered.namesTasks) return filtered
  endWithTasks(filtered.bytes, permit, desk)
  return { ...filtered, bytes: showTasks(filtered.bytes, showing, desk) }
}

/** No longer than the credential lives that it was shown for, or a window of some rule opens or closes. */
function cacheFor(
  { expiresAtSeconds }: Caller,
  { now, rules }: Pick<Desk, 'now' | 'rules'>,
): typeof CACHE {
  const nowMs = now()
  const endMs = expiresAtSeconds * 1_000
  const edgeMs = rules.windows.length === 0 ? endMs : rules.nextEdge(nowMs)
  const leftMs = Math.min(endMs, edgeMs) - nowMs
  return leftMs >= CACHE.maxTtlMs ? CACHE : { maxTtlMs: Math.max(leftMs, 0) }
}
