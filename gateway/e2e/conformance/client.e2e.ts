/**
 * The conformance suite the other way round: an SDK v2 client meets the suite's own servers, straight
 * and through a gateway that is started in front of each. What those servers see must be the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { NODE } from '../../testkit/child.ts'
import { printComparison } from '../../testkit/conformance-report.ts'
import type { SuiteResult } from '../../testkit/conformance-suite.ts'
import { runClientSuite } from '../../testkit/conformance-suite.ts'

const CLIENT = [NODE, new URL('../../testkit/conformance/client.ts', import.meta.url).pathname]

/** What is left to clients besides authorization, which is between them and an authorization server. */
const SCENARIOS = {
  '2025-11-25': [
    'elicitation-sep1034-client-defaults',
    'initialize',
    'json-schema-2020-12-preservation',
    'sse-retry',
    'tools_call',
  ],
  '2026-07-28': [
    'http-custom-headers',
    'http-invalid-tool-headers',
    'http-standard-headers',
    'json-schema-2020-12-preservation',
    'json-schema-ref-no-deref',
    'request-metadata',
    'sep-2322-client-request-state',
    'tools_call',
  ],
}

for (const [revision, scenarios] of Object.entries(SCENARIOS)) {
  test(`a client is seen by the suite's servers for ${revision} as if there were no gateway`, async () => {
    const direct = await play(CLIENT, revision, scenarios)
    const through = await play([...CLIENT, '--through'], revision, scenarios)
    assert.deepEqual(printComparison(`client ${revision}`, direct, through), [])
    for (const { passing } of [direct, through])
      assert.deepEqual([...passing].toSorted(), scenarios)
  })
}

/**
 * Plays all scenarios at the same time, as the suite does, a gateway for each. A busy machine may not have
 * them all up within the suite's own time limits, so what falls short is played once more.
 */
async function play(
  command: readonly string[],
  revision: string,
  scenarios: readonly string[],
): Promise<SuiteResult> {
  const result = withoutAuthorization(await runClientSuite({ command, revision }))
  if (scenarios.every((name) => result.passing.has(name))) return result
  return withoutAuthorization(await runClientSuite({ command, revision }))
}

function withoutAuthorization({ checks, scored, passing, conforms }: SuiteResult): SuiteResult {
  const isKept = (name: string): boolean => !name.startsWith('auth/')
  return {
    checks: checks.filter(({ scenario }) => isKept(scenario)),
    scored: scored.filter(isKept),
    passing: new Set([...passing].filter(isKept)),
    conforms,
  }
}
