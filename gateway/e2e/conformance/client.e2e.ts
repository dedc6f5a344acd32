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
    const direct = withoutAuthorization(await runClientSuite({ command: CLIENT, revision }))
    const command = [...CLIENT, '--through']
    const through = withoutAuthorization(await runClientSuite({ command, revision }))
    assert.deepEqual(printComparison(`client ${revision}`, direct, through), [])
    for (const { passing } of [direct, through])
      assert.deepEqual([...passing].toSorted(), scenarios)
  })
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
