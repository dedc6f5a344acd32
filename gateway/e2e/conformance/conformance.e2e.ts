/**
 * The official conformance suite, straight against a server and then through the gateway, with a token
 * and under a path prefix: every check must come out alike. `server-everything` has few of the tools the
 * suite asks for; the other server has all, of both revisions.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { printComparison } from '../../testkit/conformance-report.ts'
import type { ConformanceServer } from '../../testkit/conformance-server.ts'
import { startConformanceServer } from '../../testkit/conformance-server.ts'
import { runSuite } from '../../testkit/conformance-suite.ts'
import type { EverythingServer } from '../../testkit/everything.ts'
import { startEverything } from '../../testkit/everything.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let everything: EverythingServer
let conformance: ConformanceServer

type Front = 'node' | 'raw'
let gateways: Readonly<Record<Front, TestGatehouse>>

before(async () => {
  everything = await startEverything()
  conformance = await startConformanceServer()
  const [node, raw] = await Promise.all((['node', 'raw'] as const).map(startWith))
  gateways = { node: node!, raw: raw! }
})

async function startWith(front: Front): Promise<TestGatehouse> {
  return await startGatehouse({
    servers: {
      // It answers a call of a tool it does not have with a result, which some checks take for one.
      everything: { upstream: everything.url, unlisted: 'allow' },
      conformance: conformance.url,
    },
    rules: [allowAll('everything'), allowAll('conformance')],
    config: ({ origin, port }) => ({
      listen: { port, front },
      public_url: `${origin}/a/path/before`,
      // The suites open about seventy sessions, in less than a minute where the machine is fast.
      limits: { initialize: 'none' },
    }),
  })
}

after(() => stopAll(...Object.values(gateways ?? {}), everything, conformance))

type Run = {
  readonly server: 'everything' | 'conformance'
  readonly revision: string
  /** Scenarios that the revision scores, and whether the server itself passes all of them. */
  readonly scored: number
  readonly conforms: boolean
  /** Checks that fail straight and pass through the gateway, because of what it does by itself. */
  readonly better: readonly string[]
  /** Who reads the requests: each costs seconds. */
  readonly fronts: readonly Front[]
}

const RUNS: readonly Run[] = [
  {
    server: 'everything',
    revision: '2025-11-25',
    scored: 30,
    conforms: false,
    // The server answers any Host.
    better: ['dns-rebinding-protection localhost-host-rebinding-rejected 1'],
    fronts: ['raw'],
  },
  {
    server: 'conformance',
    revision: '2025-11-25',
    scored: 30,
    conforms: true,
    better: [],
    fronts: ['raw'],
  },
  {
    server: 'conformance',
    revision: '2026-07-28',
    scored: 37,
    conforms: true,
    // The server has no tasks; the gateway knows none of anybody's and says so in the code for it.
    better: ['tasks-dispatch-and-envelope sep-2663-tasks-get-invalid-task-id-32602 1'],
    fronts: ['raw', 'node'],
  },
]

for (const { server, revision, scored, conforms, better, fronts } of RUNS) {
  test(`the suite for ${revision} says the same of "${server}" through the gateway as straight`, async () => {
    const upstream = { everything, conformance }[server]
    const direct = await runSuite({ url: upstream.url, revision })
    for (const front of fronts) {
      const gateway = gateways[front]
      const token = await gateway.token(server)
      const through = await runSuite({ url: gateway.url(server), revision, token })
      const name = `${server} ${revision} front ${front}`
      const differences = printComparison(name, direct, through)
      assert.deepEqual(
        differences.map(({ check }) => check),
        better,
      )
      assert.ok(differences.every(({ was, is }) => was === 'FAILURE' && is === 'SUCCESS'))
      for (const result of [direct, through]) {
        assert.equal(result.scored.length, scored)
        assert.equal(result.conforms, conforms)
      }
    }
  })
}
