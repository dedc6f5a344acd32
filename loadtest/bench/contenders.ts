/** Starts variants, checks each, and leaves out what cannot be measured here. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Bench, Contender } from './bench.ts'
import { PORTS } from './constants.ts'
import type { Target } from './generator/job.ts'
import { checkGate } from './measure/gate-check.ts'
import { DIRECT } from './variants/direct.ts'
import { GATEHOUSE } from './variants/gatehouse.ts'
import { peerVariant } from './variants/peer.ts'
import type { Peer } from './variants/peer.ts'
import { VARIANTS } from './variants/table.ts'
import { PORTS_PER_VARIANT } from './variants/variant.ts'
import type { Running, Variant } from './variants/variant.ts'

/** The variants asked for whose tools are here; Gatehouse and going directly always take part. */
export function chooseVariants(
  bench: Bench,
  only: readonly string[] | undefined,
  peers: readonly Peer[],
): Variant[] {
  const all = [...VARIANTS, ...peers.map(peerVariant)]
  const unknown = only?.find((name) => !all.some((variant) => variant.name === name))
  if (unknown !== undefined) {
    throw new Error(
      `no variant is called ${unknown}; there are ${all.map(({ name }) => name).join(', ')}`,
    )
  }
  const wanted = (variant: Variant): boolean =>
    variant === DIRECT || only === undefined || only.includes(variant.name)
  return all.filter(
    (variant) => wanted(variant) && variant.needs.every((tool) => bench.tools.has(tool)),
  )
}

/** Starts all and checks each; one that fails is reported and left out. */
export async function startContenders(
  bench: Bench,
  variants: readonly Variant[],
): Promise<Contender[]> {
  const contenders: Contender[] = []
  for (const variant of variants) {
    const contender = await startOne(bench, { variant, upstream: bench.stubs.calls })
    if (contender === undefined) continue
    try {
      await checkGate(bench, contender)
      contenders.push(contender)
    } catch (error) {
      bench.say(`  ${variant.name} is left out: ${String(error)}`)
      await contender.running.stop()
    }
  }
  return contenders
}

/** What to start, and in front of which stub. */
export type StartOptions = {
  readonly variant: Variant
  readonly upstream: Target
  readonly nodeArguments?: readonly string[]
}

/** Starts one variant in a directory of its own; undefined, with a word why, when it does not start. */
export async function startOne(
  bench: Bench,
  { variant, ...rest }: StartOptions,
): Promise<Contender | undefined> {
  const directory = path.join(bench.directory, variant.name.replaceAll(/[^a-z0-9]+/g, '-'))
  mkdirSync(directory, { recursive: true })
  const at = VARIANTS.indexOf(variant)
  const port = PORTS.firstVariant + Math.max(0, at) * PORTS_PER_VARIANT
  const { processes, keys } = bench
  try {
    const running: Running = await variant.start({ ...rest, directory, port, processes, keys })
    return { variant, running }
  } catch (error) {
    bench.say(`  ${variant.name} is left out: ${String(error)}`)
    return undefined
  }
}

/** Gatehouse among the contenders, or undefined when it did not start. */
export function gatehouseAmong(contenders: readonly Contender[]): Contender | undefined {
  return contenders.find(({ variant }) => variant === GATEHOUSE)
}
