/** Step 4: rules, caller and call make a permit, or a refusal that tells the caller no more than it may know. */
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Allow, Deny, Require } from '../model/decision.ts'
import type { JourneyCall } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { decide } from '../policy/decide.ts'
import type { Occasion } from '../policy/occasion.ts'
import type { JudgeDesk } from './desk.ts'
import type { Seat } from './frame.ts'
import { unknownName } from './unknown-name.ts'

export type Case = {
  readonly caller: Caller
  readonly call: Call
  readonly entry: JourneyCall
  readonly seat: Seat
  /** What the call was read from; undefined for one that came in no message. */
  readonly frame: Uint8Array | undefined
}

/**
 * At once when every name is known to exist; a promise when the server has to be asked first.
 *
 * @throws {Refusal} (or rejects with) `unknown_name` for what the caller may not know of, else why it
 *   is denied.
 */
export function authorize(asked: Case, desk: JudgeDesk): Permit | Promise<Permit> {
  const { caller, call, entry } = asked
  const decision = decide(desk.rules, caller, call, occasionOf(asked, desk))
  entry.shadow = decision.shadow
  if (decision.effect === 'deny') throw deny(entry, decision)
  if (decision.effect === 'require') throw hold(entry, decision)
  const unknown = firstUnknown(asked, desk)
  return unknown === undefined ? allow(asked, decision) : lookUp(asked, decision, desk)
}

function occasionOf({ seat, frame }: Case, { now, facts }: JudgeDesk): Occasion {
  const { server, journey } = seat
  return { server: server.name, nowMs: now(), address: journey.address, frame, facts }
}

function allow({ caller, call, entry, seat }: Case, { rule, dropped }: Allow): Permit {
  entry.effect = 'allow'
  entry.rule = rule
  entry.dropped = dropped
  return mint({ server: seat.server, caller, call, rule, dropped })
}

type Denial = Partial<Deny> & { readonly hidden: boolean }

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

/** Writes into the journey that approval is missing, and says so to the caller. */
function hold(entry: JourneyCall, { rule, disclosed }: Require): Refusal {
  entry.effect = 'require'
  entry.rule = rule
  return new Refusal('approval_required', disclosed === undefined ? {} : { message: disclosed })
}

type Named = Target & { readonly kind: 'tool' | 'prompt' }

/** The first tool or prompt that no list of the server has shown so far; those listed are not asked for. */
function firstUnknown({ call, seat }: Case, { catalogue }: JudgeDesk): Named | undefined {
  if (call.direction === 'down' || seat.server.unlisted === 'allow') return undefined
  for (const target of call.targets) {
    if (isListed(target) && !catalogue.knows(seat.server.name, target.kind, target.name)) {
      return target
    }
  }
  return undefined
}

function isListed(target: Target): target is Named {
  return target.kind === 'tool' || target.kind === 'prompt'
}

async function lookUp(asked: Case, decision: Allow, desk: JudgeDesk): Promise<Permit> {
  const { call, entry, seat } = asked
  for (const target of call.targets) {
    if (!isListed(target) || desk.catalogue.knows(seat.server.name, target.kind, target.name))
      continue
    const { kind, name } = target
    if (!(await desk.lookUp({ kind, name, call, seat }))) {
      throw deny(entry, { rule: decision.rule, reason: 'unlisted', hidden: true, target })
    }
    entry.label = name
  }
  return allow(asked, decision)
}

/**
 * The permit of an array of messages, made of theirs.
 *
 * @throws {Error} when there are none.
 */
export function permitAll(elements: readonly Permit[]): Permit {
  const [first] = elements
  if (first === undefined) throw new Error('an array without messages')
  const call: Call = {
    ...first.call,
    kind: elements.some(({ call: { kind } }) => kind === 'request') ? 'request' : 'notification',
    method: '',
    needs: 'connection',
    targets: [],
    id: undefined,
    arguments: undefined,
    spans: {},
  }
  return mint({ ...first, call, dropped: elements.flatMap(({ dropped }) => dropped), elements })
}

/** The only place where a permit is made. */
function mint(facts: Omit<Permit, keyof { readonly [minted: symbol]: true }>): Permit {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- minting is what this function is for
  return facts as Permit
}
