/** Every method of every revision, and what a call of it asks for. One table; nothing else lists them. */
import type { Direction, Era } from '../model/call.ts'

/**
 * What a method asks for, which decides what policy must allow: nothing by name (`connection`), things
 * named in its params (the middle ones; `targets.ts` extracts them), or itself (`method`).
 */
export type Asks =
  | 'connection'
  | 'tool'
  | 'prompt'
  | 'resource'
  | 'task'
  | 'completion'
  | 'listening'
  | 'method'

export type MethodRow = {
  readonly kind: 'request' | 'notification'
  /** The eras in which it travels from the client to the server. */
  readonly up: readonly Era[]
  /** The eras in which it travels from the server to the client. */
  readonly down: readonly Era[]
  /** The eras in which a server asks it of its client in a result, to be answered by a retry. */
  readonly input: readonly Era[]
  readonly asks: Asks
}

const BOTH: readonly Era[] = ['legacy', 'modern']
const LEGACY: readonly Era[] = ['legacy']
const MODERN: readonly Era[] = ['modern']
const NEVER: readonly Era[] = []

type Ways = {
  readonly up?: readonly Era[]
  readonly down?: readonly Era[]
  readonly input?: readonly Era[]
}

function request(ways: Ways, asks: Asks): MethodRow {
  return row('request', ways, asks)
}

function notification(ways: Ways, asks: Asks): MethodRow {
  return row('notification', ways, asks)
}

function row(kind: MethodRow['kind'], ways: Ways, asks: Asks): MethodRow {
  const { up = NEVER, down = NEVER, input = NEVER } = ways
  return { kind, up, down, input, asks }
}

/** Revisions 2024-11-05 to 2026-07-28, with the tasks extension of the last. */
export const METHODS: ReadonlyMap<string, MethodRow> = new Map([
  ['initialize', request({ up: LEGACY }, 'connection')],
  ['server/discover', request({ up: MODERN }, 'connection')],
  ['ping', request({ up: LEGACY, down: LEGACY }, 'connection')],
  ['tools/list', request({ up: BOTH }, 'connection')],
  ['tools/call', request({ up: BOTH }, 'tool')],
  ['resources/list', request({ up: BOTH }, 'connection')],
  ['resources/templates/list', request({ up: BOTH }, 'connection')],
  ['resources/read', request({ up: BOTH }, 'resource')],
  ['resources/subscribe', request({ up: LEGACY }, 'resource')],
  ['resources/unsubscribe', request({ up: LEGACY }, 'resource')],
  ['prompts/list', request({ up: BOTH }, 'connection')],
  ['prompts/get', request({ up: BOTH }, 'prompt')],
  ['completion/complete', request({ up: BOTH }, 'completion')],
  ['logging/setLevel', request({ up: LEGACY }, 'connection')],
  ['subscriptions/listen', request({ up: MODERN }, 'listening')],
  // 2025-11-25 lets either side create tasks, so either side may ask about them.
  ['tasks/get', request({ up: BOTH, down: LEGACY }, 'task')],
  ['tasks/result', request({ up: LEGACY, down: LEGACY }, 'task')],
  ['tasks/cancel', request({ up: BOTH, down: LEGACY }, 'task')],
  ['tasks/list', request({ up: LEGACY, down: LEGACY }, 'method')],
  ['tasks/update', request({ up: MODERN }, 'task')],
  ['sampling/createMessage', request({ down: LEGACY, input: MODERN }, 'method')],
  ['elicitation/create', request({ down: LEGACY, input: MODERN }, 'method')],
  ['roots/list', request({ down: LEGACY, input: MODERN }, 'method')],
  ['notifications/initialized', notification({ up: LEGACY }, 'connection')],
  ['notifications/cancelled', notification({ up: BOTH, down: BOTH }, 'connection')],
  ['notifications/progress', notification({ up: LEGACY, down: BOTH }, 'connection')],
  ['notifications/roots/list_changed', notification({ up: LEGACY }, 'connection')],
  ['notifications/message', notification({ down: BOTH }, 'connection')],
  ['notifications/tools/list_changed', notification({ down: BOTH }, 'connection')],
  ['notifications/prompts/list_changed', notification({ down: BOTH }, 'connection')],
  ['notifications/resources/list_changed', notification({ down: BOTH }, 'connection')],
  ['notifications/resources/updated', notification({ down: BOTH }, 'resource')],
  ['notifications/subscriptions/acknowledged', notification({ down: MODERN }, 'connection')],
  ['notifications/elicitation/complete', notification({ down: LEGACY }, 'connection')],
  ['notifications/tasks/status', notification({ up: LEGACY, down: LEGACY }, 'task')],
  ['notifications/tasks', notification({ down: MODERN }, 'task')],
])

/** A method of the specification that may travel this way; in any era when `era` is undefined. */
export function findMethod(
  method: string,
  direction: Direction,
  era: Era | undefined,
): MethodRow | undefined {
  const row = METHODS.get(method)
  if (row === undefined) return undefined
  const eras = row[direction]
  return (era === undefined ? eras.length > 0 : eras.includes(era)) ? row : undefined
}
