/** `gatehouse policy learn`: from an audit log to the policy it would have needed. */
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Decision } from '../model/decision.ts'
import { messageOf } from '../model/message-of.ts'
import type { Problem } from '../model/problem.ts'
import { compilePolicy } from '../policy/compile.ts'
import { decide } from '../policy/decide.ts'
import { describeAsked } from '../policy/format-diff.ts'
import { howMany } from '../policy/how-many.ts'
import { isLasting, learnPolicy } from '../policy/learn.ts'
import { occasionAt } from '../policy/occasion.ts'
import { openExpressions } from '../policy/open-expressions.ts'
import { isByRules } from '../policy/recorded-call.ts'
import type { CountedCall } from '../policy/recorded-calls.ts'
import { writeCases } from '../policy/write-cases.ts'
import { writePolicy } from '../policy/write-policy.ts'
import { readYaml } from '../settings/yaml.ts'
import type { Io } from './io.ts'
import { readRecorded } from './read-recorded.ts'
import { tellProblems } from './tell-problems.ts'
import { misused, readArgs } from './usage.ts'

const HELP = `Usage: gatehouse policy learn [--out FILE] AUDIT…

Proposes a policy that allows what was allowed in an audit log, and little more: one rule for each group
and server, with the tools, prompts and resources that were used and how often. Read it before you use it.

  AUDIT          an audit log; all files of a rotated one together; - is standard input
      --out FILE     write the policy there, and its cases beside it (learned.yaml: learned.cases.yaml);
                     without it the policy is printed. Files that exist are not overwritten.
  -h, --help         show this text

Exit code: 0 the policy allows every allowed call of the log, 1 it does not or a file cannot be read or
written, 2 used wrongly.`

/** Calls named that the policy does not allow; the rest is counted. */
const MAX_NAMED = 10

/** @returns the exit code. */
export async function policyLearn(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<number> {
  const given = readArgs(
    args,
    { usage: HELP, options: { out: { type: 'string' } }, takesWords: true },
    io,
  )
  if (given === undefined) return 0
  const { values, words } = given
  const { out } = values
  if (words.length === 0 || (out !== undefined && !/\.ya?ml$/.test(out))) {
    const what = words.length === 0 ? 'no audit log named' : '--out must end in .yaml or .yml'
    return misused(io, `policy learn: ${what}`, HELP)
  }
  const calls = await readRecorded(words, io)
  if (calls === undefined) return 1
  const decisions = calls.reduce((sum, { count }) => sum + count, 0)
  const rules = learnPolicy(calls)
  const about = `Learned by "gatehouse policy learn" from ${howMany(decisions, 'recorded call')}.`
  const text = writePolicy(rules, about)
  const tried = await tryOut(text, out ?? 'learned.yaml', calls)
  if ('problems' in tried) {
    tellProblems(tried.problems, io)
    return 1
  }
  const kept = tried.calls.filter(({ one, effect }) => one.effect === effect).map(({ one }) => one)
  if (out === undefined) io.out(text.trimEnd())
  else if (!(await write(out, text, kept, io))) return 1
  return tell(tried.calls, io) ? 0 : 1
}

async function write(
  file: string,
  text: string,
  calls: readonly CountedCall[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<boolean> {
  const cases = file.replace(/(?=\.ya?ml$)/, '.cases')
  try {
    await writeFile(file, text, { flag: 'wx' })
    await writeFile(cases, writeCases(calls, basename(file)), { flag: 'wx' })
  } catch (error) {
    io.err(`not written: ${messageOf(error)}`)
    return false
  }
  io.out(`${file} and ${cases} written`)
  return true
}

/** A call of the log, and what the proposal makes of it. */
type Tried = { readonly one: CountedCall; readonly effect: Decision['effect'] }

/** Holds the log against the proposal. */
async function tryOut(
  text: string,
  file: string,
  calls: readonly CountedCall[],
): Promise<{ readonly problems: readonly Problem[] } | { readonly calls: readonly Tried[] }> {
  const document = readYaml(file, text)
  const servers = [...new Set(calls.map(({ server }) => server))]
  if (!document.ok) return document
  const compileExpression = await openExpressions([document])
  const compiled = compilePolicy([document], servers, { compileExpression })
  if (!compiled.ok) return { problems: compiled.problems }
  const { rules } = compiled
  return {
    calls: calls.map((one) => {
      const { effect } = decide(rules, one.caller, one.call, occasionAt(one.server))
      return { one, effect }
    }),
  }
}

/** Says how the proposal does; what was allowed must be, and what was denied and now is not is named. */
function tell(tried: readonly Tried[], io: Pick<Io, 'err'>): boolean {
  const lasting = tried.filter(({ one }) => isLasting(one))
  const lost = lasting.filter(({ effect }) => effect !== 'allow')
  const others = tried.filter(({ one }) => !isLasting(one))
  const won = others.filter(
    ({ one, effect }) => one.effect === 'deny' && isByRules(one) && effect === 'allow',
  )
  for (const { one } of lost.slice(0, MAX_NAMED)) {
    io.err(`not allowed by the proposal, though it was: ${describeAsked(one)}`)
  }
  for (const { one } of won.slice(0, MAX_NAMED)) {
    io.err(`allowed by the proposal, though it was denied: ${describeAsked(one)}`)
  }
  const granted = sum(others.filter(({ one }) => one.underGrant))
  if (granted > 0) {
    io.err(`not learned, for they were made under a grant, which ends: ${howMany(granted, 'call')}`)
  }
  const approved = sum(others.filter(({ one }) => one.approved))
  if (approved > 0) {
    io.err(`not learned, for people approved each for itself: ${howMany(approved, 'call')}`)
  }
  const [allowed, denied] = [sum(lasting), sum(others.filter(({ one }) => one.effect === 'deny'))]
  io.err(
    `allowed by the proposal: ${allowed - sum(lost)} of ${howMany(allowed, 'allowed call')}, ` +
      `${sum(won)} of ${howMany(denied, 'denied one')}`,
  )
  return lost.length === 0
}

function sum(tried: readonly Tried[]): number {
  return tried.reduce((all, { one }) => all + one.count, 0)
}
