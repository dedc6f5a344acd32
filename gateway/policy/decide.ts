import type { Call, TargetKind } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { Rules } from './rules.ts'

/** What the rules say about this call on this server. Deny beats allow; nothing said is a deny. */
export function decide(rules: Rules, caller: Caller, call: Call, server: string): Decision {
  void [rules, caller, server]
  return {
    effect: 'deny',
    rule: undefined,
    reason: 'no_rule',
    hidden: call.needs === 'targets',
    disclosed: undefined,
    missingScopes: [],
    target: call.targets[0],
  }
}

/** Whether a list shows this entry to the caller: the same question as `decide`, asked at list time. */
export function isVisible(
  rules: Rules,
  caller: Caller,
  server: string,
  kind: TargetKind,
  name: string,
): boolean {
  void [rules, caller, server, kind, name]
  return false
}

/** Whether the caller has any business on this server at all. */
export function mayConnect(rules: Rules, caller: Caller, server: string): boolean {
  void [rules, caller, server]
  return false
}
