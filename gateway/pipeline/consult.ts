/** What an external decision point makes of what the rules decided, where a server has one. */
import type { Call, Target } from '../model/call.ts'
import type { Allow, Decision, Deny } from '../model/decision.ts'
import type { PointAnswer } from '../model/decision-point.ts'
import { type Evaluation, evaluationBody } from '../policy/authzen.ts'
import type { Case } from './authorize.ts'
import type { JudgeDesk } from './desk.ts'

/** The rule named where the decision point allowed what no rule had to. */
export const POINT_RULE = 'builtin:decision_point'

/** Targets of one call that are asked about; a call that names more is denied. */
const MAX_TARGETS = 32

/** What is decided now, and what of it is for the record. */
export type Consulted = {
  readonly decision: Decision
  readonly said: PointAnswer
  /** Why, for operators; undefined when there is nothing to say. */
  readonly detail: string | undefined
}

/**
 * Whether the decision point is asked. It has a say about what is named (targets, methods) and none about
 * being connected, which the rules decide; and none about what a rule denies or requires something for, no rule
 * could be asked, or is a task of somebody else.
 */
export function isConsulted({ call, seat }: Case, decision: Decision): boolean {
  const point = seat.server.decisionPoint
  if (point === undefined || call.needs === 'connection') return false
  if (call.needs === 'targets' && call.targets.length === 0) return false
  if (decision.effect !== 'deny') return true
  // To listen one has to be connected; each target on its own is asked about once that is allowed.
  if (point.mode !== 'override' || call.method === 'subscriptions/listen') return false
  const { reason, required } = decision
  if (required || reason === 'deny_rule' || reason === 'resource_uri') return false
  return !call.targets.some((target) => isForeignTask(target, call))
}

/** Of what a server asks, tasks are the client's own. */
function isForeignTask({ kind, task }: Target, call: Call): boolean {
  if (call.direction === 'down' && call.kind === 'request') return false
  return kind === 'task' && task === undefined
}

/** Asks about every target; one no is a no, but for a stream to listen on, which goes on without it. */
export async function consult(
  asked: Case,
  decision: Decision,
  desk: JudgeDesk,
): Promise<Consulted> {
  const { call, seat } = asked
  const isListen = call.method === 'subscriptions/listen'
  const dropped = decision.effect === 'allow' ? decision.dropped : []
  const targets = call.targets.filter((target) => !dropped.includes(target))
  if (targets.length > MAX_TARGETS) {
    return refused(decision, 'error', `more than ${MAX_TARGETS} targets`)
  }
  const subjects: readonly (Target | undefined)[] =
    call.targets.length === 0 ? [undefined] : targets
  const answers = await Promise.all(subjects.map((target) => ask(asked, target, desk)))
  const failed = answers.find(({ said }) => said === 'error')
  const denied = answers.filter(({ said }) => said === 'deny')
  if (failed !== undefined) return refused(decision, 'error', failed.detail)
  if (isListen && decision.effect === 'allow') {
    const more = denied.flatMap(({ target }) => target ?? [])
    return {
      decision: { ...decision, dropped: [...dropped, ...more] },
      said: 'allow',
      detail: undefined,
    }
  }
  const [first] = denied
  if (first !== undefined) return refused(decision, 'deny', first.detail)
  const isOverriding =
    seat.server.decisionPoint?.mode === 'override' && decision.effect !== 'require'
  return {
    decision: isOverriding ? overridden(decision) : decision,
    said: 'allow',
    detail: undefined,
  }
}

/**
 * It may allow what no rule does; where a rule allows as well, the credential which that one chose and what
 * it obliges to stay.
 */
function overridden(decision: Decision): Allow {
  const { shadow } = decision
  const { credential, obligations } = decision.effect === 'allow' ? decision : NO_RULE
  return {
    effect: 'allow',
    rule: POINT_RULE,
    dropped: [],
    ...(credential === undefined ? {} : { credential }),
    ...(obligations === undefined ? {} : { obligations }),
    ...(shadow === undefined ? {} : { shadow }),
  }
}

const NO_RULE: Pick<Allow, 'credential' | 'obligations'> = {}

type Answered = {
  readonly target: Target | undefined
  readonly said: PointAnswer
  readonly detail: string | undefined
}

async function ask(
  { caller, call, entry, seat, frame }: Case,
  target: Target | undefined,
  desk: JudgeDesk,
): Promise<Answered> {
  const { decisionPoint: point, name: server } = seat.server
  if (point === undefined) return { target, said: 'error', detail: 'no decision point' }
  const args = point.sendsArguments ? argumentsIn(frame, call.arguments) : undefined
  const { address } = seat.journey
  const evaluation: Evaluation = { caller, call, server, target, address, args }
  const answer = await desk.askPoint(point, {
    body: evaluationBody(evaluation),
    requestId: entry.id,
  })
  if (!answer.ok) return { target, said: 'error', detail: `decision point: ${answer.why}` }
  const { decision, context } = answer
  const detail = context === undefined ? undefined : `decision point: ${context}`
  return { target, said: decision ? 'allow' : 'deny', detail }
}

/** Denied by the decision point; what the caller may not know of stays hidden. */
function refused(
  decision: Decision,
  said: 'deny' | 'error',
  detail: string | undefined,
): Consulted {
  const before = decision.effect === 'deny' ? decision : undefined
  const deny: Deny = {
    effect: 'deny',
    rule: undefined,
    reason: said === 'deny' ? 'decision_point' : 'decision_point_failed',
    hidden: before?.hidden ?? false,
    disclosed: undefined,
    missingScopes: [],
    target: before?.target,
    ...(decision.shadow === undefined ? {} : { shadow: decision.shadow }),
  }
  return { decision: deny, said, detail }
}

/** The frame has been scanned: what stands in the span is one JSON value. */
function argumentsIn(
  frame: Uint8Array | undefined,
  span: { readonly start: number; readonly end: number } | undefined,
): string | undefined {
  if (frame === undefined || span === undefined) return undefined
  return Buffer.from(frame.subarray(span.start, span.end)).toString('utf8')
}
