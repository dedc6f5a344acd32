/** Step 5: rules, caller and call make a permit, or a refusal that tells the caller no more than it may know. */
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Allow, Decision, Deny, Require } from '../model/decision.ts'
import type { JourneyCall } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { decide } from '../policy/decide.ts'
import type { Occasion } from '../policy/occasion.ts'
import { mayConnect } from '../policy/visible.ts'
import { askToSignIn } from './ask-again.ts'
import { consult, isConsulted } from './consult.ts'
import { askForApproval, consultApprovals } from './approvals.ts'
import type { JudgeDesk } from './desk.ts'
import type { Seat } from './frame.ts'
import { nameTools, readsPage } from './name-tools.ts'
import { preparePage } from './pins.ts'
import { spend } from './spend.ts'
import { toolOf } from './tool-of.ts'
import { unknownName } from './unknown-name.ts'
import { isUse } from './uses.ts'

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
  if (needsTraits(asked, desk)) return lookUpTraits(asked, desk)
  const decision = decide(desk.rules, asked.caller, asked.call, occasionOf(asked, desk))
  return mayBePage(asked, decision, desk)
    ? lookUpPage(asked, desk)
    : conclude(asked, decision, desk)
}

function conclude(asked: Case, decision: Decision, desk: JudgeDesk): Permit | Promise<Permit> {
  const { entry, seat } = asked
  entry.shadow = decision.shadow
  if (seat.server.decisionPoint !== undefined && isConsulted(asked, decision)) {
    return consult(asked, decision, desk).then((consulted) => {
      entry.decisionPoint = consulted.said
      return settle(asked, consulted.decision, desk, consulted.detail)
    })
  }
  return settle(asked, decision, desk)
}

function settle(
  asked: Case,
  decision: Decision,
  desk: JudgeDesk,
  detail?: string,
): Permit | Promise<Permit> {
  const { caller, call, entry, seat } = asked
  if (decision.effect === 'deny') throw deny(entry, decision, detail)
  if (decision.effect === 'require') return hold(asked, decision, desk)
  if (seat.server.pin === 'hold' && call.method === 'tools/list') {
    const onlooker = { server: seat.server, caller, call }
    return preparePage(desk.pins, onlooker).then(() => admit(asked, decision, desk))
  }
  return firstUnknown(asked, desk) === undefined
    ? admit(asked, decision, desk)
    : lookUp(asked, decision, desk)
}

/** Nothing is in the way any more but what is counted, which comes last: what is refused costs nothing. */
function admit(asked: Case, decision: Allow, desk: JudgeDesk): Permit | Promise<Permit> {
  refuseHeld(asked, desk)
  const paying = spend(asked, decision, desk)
  return paying === undefined
    ? pass(asked, decision, desk)
    : paying.then(() => pass(asked, decision, desk))
}

function pass(asked: Case, decision: Allow, desk: JudgeDesk): Permit | Promise<Permit> {
  return decision.grant === undefined ? allow(asked, decision) : useGrant(asked, decision, desk)
}

/** A tool that has changed and that nobody has accepted is as if it were not there. */
function refuseHeld({ call, entry, seat: { server } }: Case, { pins }: JudgeDesk): void {
  if (server.pin !== 'hold') return
  for (const target of call.targets) {
    const tool = toolOf(target)
    if (tool === undefined || !pins.isHeld(server.name, tool)) continue
    throw deny(entry, { reason: 'tool_held', hidden: true, target })
  }
}

function occasionOf({ seat, frame }: Case, { now, facts }: JudgeDesk): Occasion {
  const { server, journey } = seat
  return { server: server.name, nowMs: now(), address: journey.address, frame, facts }
}

function allow({ caller, call, entry, seat }: Case, decision: Allow): Permit {
  const { rule, dropped, obligations, credential } = decision
  entry.effect = 'allow'
  entry.rule = rule
  entry.dropped = dropped
  if (obligations !== undefined) entry.obligations = obligations
  if (credential !== undefined) entry.credential = credential
  return mint({ server: seat.server, caller, call, rule, dropped, credential })
}

type Denial = Partial<Deny> & { readonly hidden: boolean }

/** Writes the denial into the journey and words it for the caller. */
function deny(entry: JourneyCall, denial: Denial, detail?: string): Refusal {
  const { call } = entry
  entry.effect = 'deny'
  entry.rule = denial.rule
  entry.reason = denial.reason
  if (denial.obligations !== undefined) entry.obligations = denial.obligations
  if (denial.hidden && denial.target !== undefined) return unknownName(call, denial.target)
  const { missingScopes: missing = [], stepUp, disclosed } = denial
  // In the middle of an answer nobody can go and sign in: what has been done already would be done again.
  if (stepUp !== undefined && call.direction === 'up')
    return askToSignIn(stepUp, missing, disclosed)
  if (missing.length > 0) return new Refusal('insufficient_scope', { scopes: missing })
  return new Refusal('policy_denied', {
    ...(disclosed === undefined ? {} : { message: disclosed }),
    ...(detail === undefined ? {} : { detail }),
  })
}

/**
 * A person has to approve this call. One that was approved passes; for any other that is written into the
 * journey, and it rejects with where the caller can get the approval.
 */
async function hold(asked: Case, decision: Require, desk: JudgeDesk): Promise<Permit> {
  const known = await passApproved(asked, desk)
  if (known !== undefined) return known
  await desk.approvals.refresh().catch(unavailable)
  const heard = await passApproved(asked, desk)
  if (heard !== undefined) return heard
  asked.entry.effect = 'require'
  asked.entry.rule = decision.rule
  asked.entry.obligations = decision.obligations
  throw await askForApproval(asked, decision, desk)
}

/** Undefined for a call that has not been approved, or whose approval another call took first. */
async function passApproved(asked: Case, desk: JudgeDesk): Promise<Permit | undefined> {
  const consulted = consultApprovals(asked, desk)
  if (consulted === undefined) return undefined
  const { facts, approvals } = consulted
  const occasion = { ...occasionOf(asked, desk), facts }
  const decision = decide(desk.rules, asked.caller, asked.call, occasion)
  if (decision.effect !== 'allow') return undefined
  const { entry } = asked
  entry.shadow = decision.shadow
  // A decision point, where there is one, has had its say about this call.
  const permit = await settle(asked, decision, desk)
  entry.effect = 'deny'
  const spent = await desk.approvals.spend([...approvals]).catch(unavailable)
  if (!spent) return undefined
  entry.effect = 'allow'
  entry.approvedBy = Array.from(approvals, ({ by }) => by)
  return permit
}

function unavailable(cause: unknown): never {
  throw new Refusal('state_unavailable', { detail: 'approvals', cause })
}

/** Whether rules depend on what a tool says of itself that no list has shown so far. */
function needsTraits(asked: Case, desk: JudgeDesk): boolean {
  const { caller, seat } = asked
  if (desk.rules.servers.get(seat.server.name)?.readsTraits !== true) return false
  if (firstUnknown(asked, desk)?.kind !== 'tool') return false
  return mayConnect(desk.rules, caller, occasionOf(asked, desk))
}

/** A tool that no list shows is unknown, whatever would be decided of it. */
async function lookUpTraits(asked: Case, desk: JudgeDesk): Promise<Permit> {
  const { caller, call, entry, seat } = asked
  const target = firstUnknown(asked, desk)
  if (target !== undefined && !(await desk.lookUp({ ...target, call, seat }))) {
    throw deny(entry, { rule: undefined, reason: 'unlisted', hidden: true, target })
  }
  entry.label = desk.catalogue.label(seat.server.name, call.targets[0])
  return conclude(asked, decide(desk.rules, caller, call, occasionOf(asked, desk)), desk)
}

/** Whether a denial may come of a list of tools that this process has not seen. */
function mayBePage(asked: Case, decision: Decision, desk: JudgeDesk): boolean {
  const { caller, call } = asked
  if (decision.effect !== 'deny' || decision.reason !== 'no_rule' || !readsPage(call)) return false
  return (
    call.targets[0]?.tools === undefined && mayConnect(desk.rules, caller, occasionOf(asked, desk))
  )
}

async function lookUpPage(asked: Case, desk: JudgeDesk): Promise<Permit> {
  const { caller, call, seat } = asked
  await desk.lookUp({ kind: 'tool', name: '', call, seat })
  const named = nameTools(call, seat.server, desk)
  return conclude(asked, decide(desk.rules, caller, named, occasionOf(asked, desk)), desk)
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
    entry.label = desk.catalogue.label(seat.server.name, target)
  }
  return await admit(asked, decision, desk)
}

/** The call is one use of the grant it is allowed under, taken before anything goes up. */
async function useGrant(asked: Case, decision: Allow, desk: JudgeDesk): Promise<Permit> {
  const { call, caller, entry } = asked
  const { grants } = desk
  if (!isUse(call)) {
    entry.grant = grants.book.find(decision.rule, caller)?.id
    return allow(asked, decision)
  }
  const grant = await grants.use(decision.rule, caller).catch((cause: unknown) => {
    throw new Refusal('state_unavailable', { detail: 'uses of a grant', cause })
  })
  entry.grant = grant?.id
  if (grant !== undefined) return allow(asked, decision)
  // Somebody else took the last one since: another rule may allow it still.
  const again = decide(desk.rules, caller, call, occasionOf(asked, desk))
  if (again.effect === 'deny') throw deny(entry, again)
  if (again.effect === 'require') return hold(asked, again, desk)
  if (again.grant === undefined) return allow(asked, again)
  throw deny(entry, { rule: again.rule, reason: 'no_grant', hidden: true, target: call.targets[0] })
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
  const dropped = elements.flatMap((element) => element.dropped)
  return mint({ ...first, call, dropped, credential: undefined, elements })
}

/** The only place where a permit is made. */
function mint(facts: Omit<Permit, keyof { readonly [minted: symbol]: true }>): Permit {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- minting is what this function is for
  return facts as Permit
}
