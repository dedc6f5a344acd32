/** What a deployment grows in, one dimension at a time. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { MAX_CACHED_TOKENS } from '../../../gateway/identity/token-cache.ts'
import type { Bench } from '../bench.ts'
import { CONNECTIONS } from '../constants.ts'
import { startNodeStub } from '../stub.ts'
import type { Algorithm } from '../tokens.ts'
import { USUAL_SIZE } from '../variants/gatehouse-policy.ts'
import { PORTS_PER_VARIANT } from '../variants/variant.ts'
import { type Dimension, type Point, startPoint } from './point.ts'
import { REPLICAS } from './replicas.ts'

/** Tokens are minted for each caller; those are quick to sign. */
const ALGORITHM: Algorithm = 'ES256'

/** Of the ports of a point, the one for a stub of its own. */
const STUB_OFFSET = PORTS_PER_VARIANT - 1

export const DIMENSIONS: readonly Dimension[] = [
  {
    name: 'callers',
    sizes: [10, 100, 1_000, 10_000, 40_000, 100_000],
    start: async (bench, size, port) => {
      const tokensFile = path.join(bench.directory, `callers-${size}.txt`)
      writeFileSync(tokensFile, bench.mint.mint(ALGORITHM, size).join('\n'))
      const point = { ...(await startPoint(bench, port, { size: USUAL_SIZE })), tokensFile }
      if (size <= MAX_CACHED_TOKENS) await showEach(bench, point)
      return point
    },
  },
  {
    name: 'rules',
    sizes: [10, 100, 1_000, 10_000],
    start: (bench, rules, port) => startPoint(bench, port, { size: { ...USUAL_SIZE, rules } }),
  },
  {
    name: 'servers',
    sizes: [1, 10, 100, 500],
    start: (bench, size, port) =>
      startPoint(bench, port, { size: { ...USUAL_SIZE, otherServers: size - 1 } }),
  },
  {
    name: 'tools in a list',
    sizes: [10, 100, 1_000, 5_000],
    start: async (bench, size, port) => {
      const { target } = await startNodeStub(bench.processes, port + STUB_OFFSET, size)
      const point = await startPoint(bench, port, { size: USUAL_SIZE, upstream: target })
      return { ...point, question: bench.list }
    },
  },
  {
    // All of them on the proxy's core: what is measured is what they cost, not what a second core brings.
    name: 'workers',
    sizes: [1, 2],
    warmUp: 16,
    start: (bench, workers, port) =>
      startPoint(bench, port, { size: USUAL_SIZE, addition: { sections: { workers } } }),
  },
  REPLICAS,
]

/** Shows each token once, so that the gateway knows it. */
async function showEach({ generator, call }: Bench, { running, tokensFile }: Point) {
  await generator.run<'closed_loop'>({
    kind: 'closed_loop',
    target: running.target,
    tokensFile,
    body: call.body,
    plan: { connections: CONNECTIONS, until: 'each', expectedBytes: call.answerBytes },
  })
}
