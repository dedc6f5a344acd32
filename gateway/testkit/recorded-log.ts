/** An audit log as the gateway would have written it, for what reads one: made by audit itself. */
import { createChain } from '../audit/chain.ts'
import { createRecords } from '../audit/record.ts'
import type { Call, Target } from '../model/call.ts'
import type { ShadowDecision } from '../model/decision.ts'
import type { Caller } from '../model/caller.ts'
import { endedJourney, judgedCall, testCall } from './journey.ts'
import { testCaller } from './pipeline.ts'

/** A call as a test writes it; what is left out is an allowed `tools/call` of `search` at `docs`. */
export type LoggedCall = {
  readonly caller?: Partial<Caller>
  readonly server?: string
  readonly call?: Partial<Call>
  /** The tool called, in place of `call`. */
  readonly tool?: string
  /** The resource read, in place of `call`. */
  readonly resource?: string
  readonly dropped?: readonly Target[]
  readonly effect?: 'allow' | 'deny'
  readonly rule?: string
  readonly shadow?: ShadowDecision
  /** Id of the grant it is a use of. */
  readonly grant?: string
  /** Who approved it. */
  readonly approvedBy?: readonly string[]
  /** Its arguments in JSON, as a rule has them recorded. */
  readonly arguments?: string
  /** Id of the trace it belongs to. */
  readonly trace?: string
  readonly times?: number
}

const START_MS = Date.UTC(2026, 10, 1)

/** The text of a log with a decision and an outcome of every call. */
export function recordedLog(calls: readonly LoggedCall[]): string {
  let nowMs = START_MS
  const records = createRecords({ now: () => nowMs, version: () => 'a1b2c3d4e5f6' })
  const chain = createChain('instance-1')
  const lines: string[] = []
  for (const [at, logged] of calls.entries()) {
    for (let time = 0; time < (logged.times ?? 1); time += 1) {
      nowMs += 60_000
      const { effect = 'allow', rule = effect === 'allow' ? 'readers' : undefined } = logged
      const reason = effect === 'deny' ? 'no_rule' : undefined
      const call = testCall(callOf(logged))
      const { dropped = [], shadow, grant, approvedBy, trace: traceId } = logged
      const judged = judgedCall({
        id: `call-${at}-${time}`,
        call,
        effect,
        rule,
        reason,
        dropped,
        shadow,
        grant,
        approvedBy,
        recordedArguments: logged.arguments,
      })
      const caller = testCaller(logged.caller ?? {})
      const server = logged.server ?? 'docs'
      const journey = endedJourney({ server, caller, calls: [judged], traceId })
      lines.push(chain.seal(records.decision(journey, judged) + records.basis(journey, judged)))
      lines.push(chain.seal(records.outcome(journey, judged, undefined)))
    }
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** A call without targets, for `LoggedCall`. */
export function plainCall(method: string, needs: Call['needs'] = 'connection'): Partial<Call> {
  return {
    method,
    needs,
    targets: [],
    kind: method.startsWith('notifications/') ? 'notification' : 'request',
  }
}

function callOf({ call, tool, resource }: LoggedCall): Partial<Call> {
  if (tool !== undefined) return { targets: [{ kind: 'tool', name: tool }] }
  if (resource !== undefined) {
    return { method: 'resources/read', targets: [{ kind: 'resource', name: resource }] }
  }
  return call ?? {}
}
