/** The calls of an audit log, each kind of call once with how often it was made. */
import type { Caller } from '../model/caller.ts'
import { type RecordedCall, readRecordedCall } from './recorded-call.ts'

/**
 * Different calls that are told apart, some 200 MB of them. A log with more has them counted as left
 * out: a day of it is then read by itself.
 */
export const MAX_DISTINCT = 100_000

/** Calls that differ in nothing a rule can ask about. */
export type CountedCall = RecordedCall & { count: number; lastTime: string }

export type RecordedCalls = {
  /** Takes one line of an audit log. */
  line(text: string): void
  /** What was read so far; `calls` in the order of their first record. */
  report(): {
    readonly calls: readonly CountedCall[]
    /** Decisions read, those included that cannot be asked again. */
    readonly decisions: number
    /** Why decisions cannot be asked again, and how many. */
    readonly unusable: ReadonlyMap<string, number>
  }
}

export function createRecordedCalls(): RecordedCalls {
  const calls = new Map<string, CountedCall>()
  const callers = new Map<string, Caller>()
  const unusable = new Map<string, number>()
  let decisions = 0
  const leaveOut = (why: string): void => void unusable.set(why, (unusable.get(why) ?? 0) + 1)
  return {
    line(text) {
      const read = readRecordedCall(text)
      if (read.kind === 'other') return
      decisions += 1
      if (read.kind === 'unusable') {
        leaveOut(read.why)
        return
      }
      const { recorded } = read
      const who = callerKey(recorded.caller)
      const key = callKey(who, recorded)
      const known = calls.get(key)
      if (known !== undefined) {
        known.count += 1
        known.lastTime = recorded.time
      } else if (calls.size >= MAX_DISTINCT) {
        leaveOut(`the log has more than ${MAX_DISTINCT} different calls`)
      } else {
        // One object for one caller: what rules find out about a caller is kept with the object.
        const caller = callers.get(who) ?? recorded.caller
        callers.set(who, caller)
        calls.set(key, { ...recorded, caller, count: 1, lastTime: recorded.time })
      }
    },
    report: () => ({ calls: [...calls.values()], decisions, unusable }),
  }
}

/** What rules can ask about a caller, as one text. */
export function callerKey(caller: Caller): string {
  const { tenant, issuer, subject, client, kind, via, actors, interactive } = caller
  const [groups, scopes] = [[...caller.groups].toSorted(), [...caller.scopes].toSorted()]
  const actor = actors.map((one) => [one.issuer, one.subject])
  return JSON.stringify([
    tenant,
    issuer,
    subject,
    client,
    kind,
    via,
    interactive,
    groups,
    scopes,
    actor,
  ])
}

/** A task is what its tool is; its handle is new every time. */
function callKey(who: string, recorded: RecordedCall): string {
  const { server, call, effect, rule, reason, underGrant, approved } = recorded
  const targets = call.targets.map(({ kind, name, task }) => [kind, task?.tool ?? name])
  return JSON.stringify([
    who,
    server,
    call.method,
    call.kind,
    targets,
    effect,
    rule,
    reason,
    underGrant,
    approved,
  ])
}
