/** What a caller gets to see, asked without a call: entries of lists, and the server itself. */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { decideTarget, isShown, LISTED_FOR } from './decide.ts'
import { findForConnection } from './find.ts'
import type { Occasion } from './occasion.ts'
import type { Rules } from './rules.ts'
import { viewFor } from './view.ts'

/**
 * Whether a list shows this entry to the caller: it may be used, with some arguments at least, or only
 * scopes or an approval are missing that the caller could obtain. Everything else is left out, also what a
 * rule denies with its reason in public.
 */
export function isVisible(
  rules: Rules,
  caller: Caller,
  target: Target,
  occasion: Occasion,
): boolean {
  const decision = decideName(rules, caller, target, occasion)
  return decision !== undefined && isShown(decision)
}

/**
 * Whether the caller may use this entry with the scopes it has, with some arguments at least or once
 * somebody approves: less than what lists show, where scopes are missing that could be obtained.
 */
export function isUsable(
  rules: Rules,
  caller: Caller,
  target: Target,
  occasion: Occasion,
): boolean {
  const decision = decideName(rules, caller, target, occasion)
  return decision !== undefined && decision.effect !== 'deny'
}

/** Asked for each entry of each list: no more is made for it than the view. */
function decideName(
  rules: Rules,
  caller: Caller,
  target: Target,
  occasion: Occasion,
): Decision | undefined {
  const method = LISTED_FOR[target.kind]
  const view = viewFor(rules, caller, { occasion, asking: 'name', call: undefined, method })
  return view && decideTarget(view, method, target)
}

/** Whether the caller has any business on this server: some allow rule reaches it for this caller. */
export function mayConnect(rules: Rules, caller: Caller, occasion: Occasion): boolean {
  const view = viewFor(rules, caller, {
    occasion,
    asking: 'connection',
    call: undefined,
    method: '',
  })
  if (view === undefined) return false
  const { deny, allow, lacking } = findForConnection(view, undefined)
  return deny === undefined && (allow ?? lacking) !== undefined
}
