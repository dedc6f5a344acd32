/** Step 4: rules, caller and call make a permit, or a refusal that tells the caller no more than it may know. */
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { JourneyCall } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { decide } from '../policy/decide.ts'
import type { JudgeDesk } from './desk.ts'
import type { Seat } from './frame.ts'
import { unknownName } from './unknown-name.ts'

export type Case = {
  readonly caller: Caller
  readonly call: Call
  readonly entry: JourneyCall
  readonly seat: Seat
}

/** @throws {Refusal} `unknown_name` for what the caller may not know of, else why it is denied. */
export async function authorize(asked: Case, desk: JudgeDesk): Promise<Permit> {
  const { caller, call, entry, seat } = asked
  const { server } = seat
  const decision = decide(desk.rules, caller, call, server.name)
  if (decision.effect === 'deny') throw deny(entry, decision)
  const missing = await firstUnlisted(asked, desk)
  if (missing !== undefined) {
    throw deny(entry, { rule: decision.rule, reason: 'unlisted', hidden: true, target: missing })
  }
  entry.effect = 'allow'
  entry.rule = decision.rule
  entry.dropped = decision.dropped
  return mint({ server, caller, call, rule: decision.rule, dropped: decision.dropped })
}

type Denial = Partial<Extract<Decision, { effect: 'deny' }>> & { readonly hidden: boolean }

/** Writes the denial into the journey and words it for the caller. */
function deny(entry: JourneyCall, denial: Denial): Refusal {
  const { call } = entry
  entry.effect = 'deny'
  entry.rule = denial.rule
  entry.reason = denial.reason
  if (denial.hidden && denial.target !== undefined) return unknownName(call, denial.target)
  const missing = denial.missingScopes ?? []
  if (missing.length > 0) return new Refusal('insufficient_scope', { scopes: missing })
  const { disclosed } = denial
  return new Refusal('policy_denied', disclosed === undefined ? {} : { message: disclosed })
}

async function firstUnlisted(asked: Case, desk: JudgeDesk): Promise<Target | undefined> {
  const { call, seat } = asked
  if (call.direction === 'down' || seat.server.unlisted === 'allow') return undefined
  for (const target of call.targets) {
    if (target.kind !== 'tool' && target.kind !== 'prompt') continue
    const { kind, name } = target
    if (desk.catalogue.knows(seat.server.name, kind, name)) continue
    if (!(await desk.lookUp({ kind, name, call, seat }))) return target
    asked.entry.label = name
  }
  return undefined
}

/** The only place where a permit is made. */
function mint(facts: Omit<Permit, keyof { readonly [minted: symbol]: true }>): Permit {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- minting is what this function is for
  return facts as Permit
}
