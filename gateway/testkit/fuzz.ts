import { after } from 'node:test'
import { reportProof } from './proof.ts'

/** Seed of `make test`: the same cases every time, so that a merge never fails by chance. */
const FIXED_SEED = 20_261_123

/** How often a property runs, as options of `fc.assert`. */
export type FuzzOptions = { readonly numRuns: number; readonly seed: number }

/**
 * Returns `test` runs with a fixed seed, or, when `make prove` asks for the full numbers
 * (`GATEHOUSE_PROVE`), `prove` runs with the seed it chose, which the file then reports under the name
 * `what`. `GATEHOUSE_FUZZ_RUNS` and `GATEHOUSE_FUZZ_SEED` override both.
 */
export function fuzzOptions(runs: {
  readonly what: string
  readonly test: number
  readonly prove: number
}): FuzzOptions {
  const { GATEHOUSE_PROVE, GATEHOUSE_FUZZ_RUNS, GATEHOUSE_FUZZ_SEED } = process.env
  const numRuns = GATEHOUSE_PROVE === undefined ? runs.test : runs.prove
  const options = {
    numRuns: Number(GATEHOUSE_FUZZ_RUNS ?? numRuns),
    seed: Number(GATEHOUSE_FUZZ_SEED ?? FIXED_SEED),
  }
  after(() => reportProof({ what: runs.what, cases: options.numRuns, seed: options.seed }))
  return options
}
