/**
 * The client that the official conformance suite starts for each of its client scenarios: SDK v2, which
 * does what the scenario named in the environment waits for. With `--through` it does so through a
 * gateway of its own, in front of the server of the suite.
 *
 *     node gateway/testkit/conformance/client.ts [--through] URL
 *
 * Scenarios of authorization are between a client and its authorization server: it leaves them before
 * anything is loaded, since the suite starts all clients at once.
 */
const { MCP_CONFORMANCE_SCENARIO: scenario = '', MCP_CONFORMANCE_CONTEXT: context = '{}' } =
  process.env

if (scenario.startsWith('auth/')) process.exit(1)
const { playScenario } = await import('./play-scenario.ts')
await playScenario({
  scenario,
  context: JSON.parse(context) as unknown,
  url: process.argv.at(-1) ?? '',
  through: process.argv.includes('--through'),
})
