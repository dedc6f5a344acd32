/** What a caller gets to see, asked without a call: entries of lists, and the server itself. */
import type { TargetKind } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import { decideTarget } from './decide.ts'
import type { Rules } from './rules.ts'
import { findForConnection, viewFor } from './find.ts'

/** What one would do with a listed entry: the method that rules which deny methods are held against. */
const METHOD_OF = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'resources/read',
  task: 'tasks/get',
} as const satisfies Record<TargetKind, string>

/**
 * Whether a list shows this entry to the caller: it may be used, or only scopes are missing that the
 * caller could obtain. Everything else is left out, also what a rule denies with its reason in public.
 */
export function isVisible(
  rules: Rules,
  caller: Caller,
  server: string,
  kind: TargetKind,
  name: string,
): boolean {
  const view = viewFor(rules, caller, server)
  if (view === undefined) return false
  const decision = decideTarget(view, METHOD_OF[kind], { kind, name })
  return decision.effect === 'allow' || decision.reason === 'missing_scope'
}

/** Whether the caller has any business on this server: some allow rule reaches it for this caller. */
export function mayConnect(rules: Rules, caller: Caller, server: string): boolean {
  const view = viewFor(rules, caller, server)
  if (view === undefined) return false
  const { deny, allow, lacking } = findForConnection(view, undefined)
  return deny === undefined && (allow ?? lacking) !== undefined
}
