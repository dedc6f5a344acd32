/**
 * What one decision costs, and what compiling does: `make bench-policy`. 2,000 rules, a caller in some of their
 * groups, a tool that few of them name. One process, no sockets; run it on an idle machine.
 */
import { callFor, frameFor, type Question } from '../../gateway/policy/ask.ts'
import { compilePolicy } from '../../gateway/testkit/compile-policy.ts'
import { decide } from '../../gateway/policy/decide.ts'
import { describeCaller } from '../../gateway/policy/describe-caller.ts'
import { occasionAt } from '../../gateway/policy/occasion.ts'
import type { Rules } from '../../gateway/policy/rules.ts'

const RULES = 2_000

/** Decisions before any is counted: the compiler of the runtime takes that long to settle. */
const WARM_UP = 50_000

/**
 * Decisions, each timed by itself: of several together all would seem slow when the machine stops for one. The
 * clock sees 30 ns and costs 0.15 µs, which is in every figure.
 */
const SAMPLES = 200_000

const CONDITIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'no conditions': {},
  during: { during: { tz: 'Europe/Berlin', hours: '00:00-23:00' } },
  'CEL over the caller': { when: 'caller.kind == "agent"' },
  'CEL over arguments': { when: 'has(args.path) && args.path.startsWith("/reports/")' },
  'CEL with under': { when: 'under(args.path, "/reports")' },
  'CEL with a pattern': { when: 'args.path.matches("^/reports/[a-z]+[.]md$")' },
}

const QUESTION: Question = {
  about: 'tool',
  name: 'read_1000_page',
  args: { path: '/reports/summary.md', limit: 10 },
}

const caller = describeCaller({
  subject: 'agent-1',
  kind: 'agent',
  groups: new Set(['g1', 'g6']),
  scopes: new Set(['read']),
  client: 'agent-1',
  issuer: undefined,
  tenant: undefined,
  interactive: false,
})

/** Every rule has the condition; the rules spread over tools as policies do: a few speak of one name. */
function compile(condition: Readonly<Record<string, unknown>>): { rules: Rules; ms: number } {
  const rules = Array.from({ length: RULES }, (_, index) => ({
    id: `rule-${index}`,
    effect: index % 4 === 3 ? 'deny' : 'allow',
    subjects: [{ kind: 'agent', groups: [`g${index % (index % 4 === 3 ? 97 : 7)}`] }],
    tools: [index % 10 === 0 ? `docs/read_${index}_*` : `docs/tool_${index}`],
    ...condition,
  }))
  const document = { file: 'bench.yaml', data: { version: 1, rules }, at: () => ORIGIN }
  const since = performance.now()
  const compiled = compilePolicy([document], ['docs'])
  if (!compiled.ok) throw new Error(compiled.problems[0]?.message)
  return { rules: compiled.rules, ms: performance.now() - since }
}

const ORIGIN = { line: 1, column: 1 }

/** Microseconds of one decision, at these shares of the samples. */
function measure(rules: Rules): readonly number[] {
  const call = callFor(QUESTION)
  const frame = frameFor(QUESTION)
  const ask = (): string =>
    decide(rules, caller, call, occasionAt('docs', { nowMs: Date.now(), frame })).effect
  if (ask() !== 'allow') throw new Error('the bench measures a call that is allowed')
  for (let round = 0; round < WARM_UP; round += 1) ask()
  const samples = Array.from({ length: SAMPLES }, () => {
    const since = performance.now()
    ask()
    return (performance.now() - since) * 1_000
  }).toSorted((one, other) => one - other)
  return [0.5, 0.99].map((share) => samples[Math.floor(SAMPLES * share)] ?? Number.NaN)
}

const out = (line: string): boolean => process.stdout.write(`${line}\n`)
out(`| ${RULES} rules, each with | compiled in | p50 | p99 |`)
out('| --- | --- | --- | --- |')
for (const [name, condition] of Object.entries(CONDITIONS)) {
  const { rules, ms } = compile(condition)
  const [p50 = 0, p99 = 0] = measure(rules)
  out(`| ${name} | ${ms.toFixed(0)} ms | ${p50.toFixed(2)} µs | ${p99.toFixed(2)} µs |`)
}
