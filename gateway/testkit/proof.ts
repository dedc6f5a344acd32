/**
 * What `make prove` has proven, said by the tests themselves while they run and gathered by `suites.ts`
 * into the table it ends with.
 */
export type Proof = {
  /** What was tried, as a noun: `bodies against six readers`. */
  readonly what: string
  readonly cases: number
  /** Undefined where nothing was left to chance. */
  readonly seed: number | undefined
}

const LINE = /^proof: (.+), ([\d,]+) cases, (?:seed (\d+)|no chance)$/gm

/** Says what the tests of a file have tried; says nothing in `make test`. */
export function reportProof(proof: Proof): void {
  if (process.env['GATEHOUSE_PROVE'] !== undefined) console.log(formatProof(proof))
}

export function formatProof({ what, cases, seed }: Proof): string {
  const chance = seed === undefined ? 'no chance' : `seed ${seed}`
  return `proof: ${what}, ${cases.toLocaleString('en')} cases, ${chance}`
}

/** The proofs in an output. */
export function readProofs(output: string): readonly Proof[] {
  return Array.from(output.matchAll(LINE), ([, what = '', cases = '', seed]) => ({
    what,
    cases: Number(cases.replaceAll(',', '')),
    seed: seed === undefined ? undefined : Number(seed),
  }))
}

/** The table with which a run ends: every proof, how often it was tried, and by which seed. */
export function formatProofs(proofs: readonly Proof[]): string {
  const rows = proofs.map(({ what, cases, seed }) => [
    what,
    cases.toLocaleString('en'),
    seed === undefined ? '' : String(seed),
  ])
  const all = [['proven', 'cases', 'seed'], ...rows]
  const widths = [0, 1, 2].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const line = ([what = '', cases = '', seed = '']: readonly string[]): string =>
    `${what.padEnd(widths[0] ?? 0)}  ${cases.padStart(widths[1] ?? 0)}  ${seed}`.trimEnd()
  return all.map(line).join('\n')
}
