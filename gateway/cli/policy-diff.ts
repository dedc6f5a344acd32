/** `gatehouse policy diff`: what a changed policy would change. */
import { callFor } from '../policy/ask.ts'
import { occasionOf } from '../policy/cases.ts'
import { type DecisionChange, diffPolicies, type PolicyDiff } from '../policy/diff.ts'
import { formatDiff } from '../policy/format-diff.ts'
import { readCases } from '../policy/read-cases.ts'
import type { AskedCall } from '../policy/recorded-call.ts'
import type { Io } from './io.ts'
import { readDocument } from './read-policies.ts'
import { readRecorded } from './read-recorded.ts'
import { readRuleSet } from './rule-set.ts'
import { tellProblems } from './tell-problems.ts'
import { misused, readArgs } from './usage.ts'

const HELP = `Usage: gatehouse policy diff A B (--audit FILE… | --cases FILE…) [--json]

Asks two policies about the same calls and shows those they decide differently.

  A B            before and after: a policy file, a directory of policy files, or a configuration
      --audit FILE   calls of an audit log; may be given more than once, - is standard input
      --cases FILE   the questions of a case file (what they expect is not looked at)
      --json         the changes as JSON, all of them, for programs
  -h, --help         show this text

Arguments are not read from the log. A call is asked about as of the time of its first record, a case as of
its own. Exit code: 0 every call is decided with the same effect, 1 one is not or a file is wrong, 2 used
wrongly.`

type Asked = AskedCall & { readonly count?: number }

/** @returns the exit code. */
export async function policyDiff(args: readonly string[], io: Io): Promise<number> {
  const given = readArgs(
    args,
    {
      usage: HELP,
      options: {
        audit: { type: 'string', multiple: true, default: [] },
        cases: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
      takesWords: true,
    },
    io,
  )
  if (given === undefined) return 0
  const { values, words } = given
  const [a, b, ...more] = words
  if (a === undefined || b === undefined || more.length > 0)
    return misused(io, 'policy diff: name two policies', HELP)
  if (values.audit.length + values.cases.length === 0)
    return misused(io, 'policy diff: name calls to ask about (--audit or --cases)', HELP)
  const asked = await readAsked(values, io)
  const [one, other] = [await readRuleSet(a, io), await readRuleSet(b, io)]
  if (asked === undefined || one === undefined || other === undefined) return 1
  const servers = [...new Set(asked.map(({ server }) => server))]
  const before = await one.compile([...servers, ...other.servers])
  const after = await other.compile([...servers, ...one.servers])
  if (before === undefined || after === undefined) return 1
  const includes = { before: one.scopeIncludes, after: other.scopeIncludes }
  const diff = diffPolicies(before, after, asked, { includes })
  if (values.json) io.out(JSON.stringify(toJson(diff), undefined, 2))
  else for (const line of formatDiff(diff, { before, after })) io.out(line)
  return diff.denied.length + diff.allowed.length === 0 ? 0 : 1
}

async function readAsked(
  files: { readonly audit: readonly string[]; readonly cases: readonly string[] },
  io: Io,
): Promise<readonly Asked[] | undefined> {
  const recorded = await readRecorded(files.audit, io)
  if (recorded === undefined) return undefined
  const asked: Asked[] = [...recorded]
  for (const file of files.cases) {
    const document = await readDocument(file)
    const cases = document.ok ? readCases(document) : document
    if (!cases.ok) return tellProblems(cases.problems, io)
    for (const one of cases.file.cases) {
      const { caller, question, server, name, line } = one
      const label = `"${name}" (${file}:${line})`
      asked.push({ caller, call: callFor(question), server, label, occasion: occasionOf(one) })
    }
  }
  return asked
}

function toJson({ calls, distinct, denied, allowed, other, ...diff }: PolicyDiff): unknown {
  return {
    calls,
    distinct,
    withoutArguments: diff.withoutArguments,
    denied: denied.map(changeJson),
    allowed: allowed.map(changeJson),
    other: other.map(changeJson),
  }
}

function changeJson({ asked, count, before, after }: DecisionChange): unknown {
  const { caller, call, server, label } = asked
  return {
    count,
    server,
    method: call.method,
    targets: call.targets.map(({ kind, name, task }) => ({ kind, name, tool: task?.tool })),
    caller: {
      tenant: caller.tenant,
      issuer: caller.issuer,
      subject: caller.subject,
      client: caller.client,
      kind: caller.kind,
      groups: [...caller.groups],
      scopes: [...caller.scopes],
    },
    before,
    after,
    example: label,
  }
}
