/**
 * The client that the official suite starts for each scenario of authorization: it tells the test which
 * scenario it is and where its server is, and ends as the test says, which does everything else.
 *
 *     node gateway/testkit/conformance/tell-scenario.ts WHERE URL
 */
const { MCP_CONFORMANCE_SCENARIO: scenario = '', MCP_CONFORMANCE_CONTEXT: context = '{}' } =
  process.env

/** Between programs, or with proofs of possession: nothing that people connect. */
const NOT_OURS =
  /^auth\/(client-credentials-|enterprise-managed-authorization$|wif-jwt-bearer$|dpop)/

if (!scenario.startsWith('auth/') || NOT_OURS.test(scenario)) process.exit(1)
const [where = '', url = ''] = process.argv.slice(-2)
const body = JSON.stringify({ scenario, url, context: JSON.parse(context) as unknown })
const { ok } = await fetch(where, { method: 'POST', body })
process.exitCode = ok ? 0 : 1
