/**
 * Runs every suite that gates a merge, one after the other, each as its make target. Prints what each
 * took and counted, the whole output of those that failed, and at the end one line with the sums. With
 * `GATEHOUSE_PROVE` the suites have longer budgets, at whose end they are stopped, and say what they have
 * proven, which is printed as a table before the sums.
 *
 * Fails when a suite fails, runs no test, skips one, or takes longer than its budget.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { formatProofs, type Proof, readProofs } from './proof.ts'
import { readTestSummary } from './test-summary.ts'

/** Whether this is `make prove`. */
const isProof = process.env['GATEHOUSE_PROVE'] !== undefined

/**
 * Seconds each suite may take on two cores with warm caches, in `make test` and in `make prove`; the latter
 * are less than half an hour together.
 */
const SUITES = [
  { target: 'check', testSeconds: 90, proveSeconds: 90 },
  { target: 'fuzz', testSeconds: 90, proveSeconds: 660 },
  { target: 'store', testSeconds: 75, proveSeconds: 120 },
  { target: 'e2e', testSeconds: 330, proveSeconds: 330 },
  { target: 'pages', testSeconds: 90, proveSeconds: 90 },
  { target: 'conformance', testSeconds: 120, proveSeconds: 150 },
  { target: 'faults', testSeconds: 90, proveSeconds: 420 },
  { target: 'deploy-check', testSeconds: 60, proveSeconds: 60 },
] as const

/** How often a budget may pass before a suite is taken for stuck and ended. */
const STUCK_FACTOR = isProof ? 1 : 4

/** Stretches the budgets on slower machines (`GATEHOUSE_BUDGET_FACTOR=2 make test`). */
const budgetFactor = Number(process.env['GATEHOUSE_BUDGET_FACTOR'] ?? '1')

const LOGS = '.cache/suites'

type Run = { readonly output: string; readonly code: number; readonly seconds: number }

async function run(target: string, limitSeconds: number): Promise<Run> {
  const started = performance.now()
  const log = createWriteStream(`${LOGS}/${target}.log`)
  const chunks: Buffer[] = []
  // A group of its own, so that a stuck suite ends with everything it started.
  const child = spawn('make', ['--no-print-directory', '--keep-going', target], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MAKEFLAGS: '', MAKELEVEL: '' },
  })
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk)
    log.write(chunk)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const end = (): void => void process.kill(-child.pid!, 'SIGKILL')
  const stuck = setTimeout(end, limitSeconds * 1000)
  process.once('exit', end)
  const code = await new Promise<number>((resolve) => {
    child.once('close', (status) => resolve(status ?? 1))
  })
  clearTimeout(stuck)
  process.off('exit', end)
  log.end()
  const output = Buffer.concat(chunks).toString()
  return { output, code, seconds: (performance.now() - started) / 1000 }
}

/** Returns what is wrong with a run besides failed tests. */
function faults(
  result: Run,
  summary: { passed: number; failed: number },
  budget: number,
): string[] {
  const found: string[] = []
  if (result.code !== 0 && summary.failed === 0) found.push(`exit status ${result.code}`)
  if (summary.passed + summary.failed === 0) found.push('no test ran')
  if (result.seconds > budget) found.push('over its budget')
  return found
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
mkdirSync(LOGS, { recursive: true })
let passed = 0
let failed = 0
let seconds = 0
const proofs: Proof[] = []
for (const suite of SUITES) {
  const budget = (isProof ? suite.proveSeconds : suite.testSeconds) * budgetFactor
  const result = await run(suite.target, budget * STUCK_FACTOR)
  const summary = readTestSummary(result.output)
  const wrong = faults(result, summary, budget)
  if (result.code !== 0 || summary.failed > 0) console.log(result.output)
  console.log(
    suite.target.padEnd(14),
    `${summary.passed} passed, ${summary.failed} failed`.padEnd(26),
    `${result.seconds.toFixed(1)} s of ${budget} s`,
    wrong.join(', '),
  )
  proofs.push(...readProofs(result.output))
  passed += summary.passed
  failed += summary.failed + wrong.length
  seconds += result.seconds
}
if (isProof) console.log(`\n${formatProofs(proofs)}\n`)
console.log(`all suites in ${seconds.toFixed(0)} s, logs in ${LOGS}/`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
