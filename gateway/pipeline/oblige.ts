/** What rules want done about a decision, beside answering it; only called where they want something. */
import type { Target } from '../model/call.ts'
import type { Obligations } from '../model/terms.ts'
import { recordedArguments } from '../policy/recorded-arguments.ts'
import type { Case } from './authorize.ts'
import type { JudgeDesk } from './desk.ts'

/** Targets that a notice names. */
const MAX_TARGETS = 16

/** Characters of a name in a notice; a resource URI can have 4,096. */
const MAX_NAME_CHARS = 512

/** Has the arguments recorded with the decision that is about to be, and tells whom the rules name. */
export function oblige(asked: Case, { notify, ...of }: Obligations, desk: JudgeDesk): void {
  const { call, entry, frame } = asked
  if (of.recordsArguments && entry.effect === 'allow') {
    entry.recordedArguments = recordedArguments(call, frame, of)
  }
  if (notify.length === 0) return
  const notice = noticeOf(asked, desk)
  for (const name of notify) desk.notify(name, notice)
}

/** The decision as JSON, in the words of its audit record. Arguments are never in it. */
function noticeOf({ caller, call, entry, seat }: Case, { now, version }: JudgeDesk): string {
  const { tenant, issuer, subject, client, kind } = caller
  return JSON.stringify({
    type: 'decision',
    time: new Date(now()).toISOString(),
    id: entry.id,
    server: seat.server.name,
    method: call.method,
    targets: call.targets.slice(0, MAX_TARGETS).map(told),
    effect: entry.effect,
    rule: entry.rule,
    reason: entry.reason,
    caller: { tenant, issuer, subject, client, kind },
    config: version,
  })
}

function told({ kind, name, task }: Target): { kind: Target['kind']; name: string; tool?: string } {
  const cut = name.slice(0, MAX_NAME_CHARS).toWellFormed()
  return { kind, name: cut, ...(task === undefined ? {} : { tool: task.tool }) }
}
