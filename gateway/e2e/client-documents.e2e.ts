/**
 * Clients described at their own address: through a real gateway nobody can make it ask an address that is
 * not public, and through the authorization server alone, with documents handed to it, they work.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import { startLoneIssuer } from '../testkit/lone-issuer.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'

test('A client id that is an address inside gets an error page at once, and not one connection is made', async (t) => {
  let connections = 0
  const inside = createTcpServer(() => (connections += 1))
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
  const { port } = inside.address() as AddressInfo
  const upstream = await startRecordingServer()
  const gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
  })
  t.after(async () => {
    await gateway.stop()
    await upstream.stop()
    inside.close()
  })
  const agent = new OauthAgent(gateway.origin)
  const metadata = await fetch(`${gateway.origin}/.well-known/oauth-authorization-server`)
  const described = (await metadata.json()) as Record<string, unknown>
  assert.equal(described['client_id_metadata_document_supported'], true)
  for (const id of [
    `https://127.0.0.1:${port}/c.json`,
    'https://127.0.0.1/c.json',
    'https://[::ffff:127.0.0.1]/c.json',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost/c.json',
  ]) {
    const since = performance.now()
    const page = await new FormRobot().open(agent.authorizeUrl(id))
    assert.equal(page.status, 400, id)
    assert.equal(page.headers.get('location'), null)
    assert.ok(performance.now() - since < 3_000)
  }
  assert.equal(connections, 0)
})

test('A client that is described at its address needs no registration, and its site is shown', async (t) => {
  const id = 'https://app.example/oauth/client.json'
  const redirect = 'https://app.example/cb'
  const document = { client_id: id, client_name: 'Described App', redirect_uris: [redirect] }
  const alone = await startLoneIssuer({
    documents: { [id]: document },
    rules: { humanHosts: ['app.example'] },
  })
  t.after(alone.stop)
  const agent = new OauthAgent(alone.origin)
  const robot = new FormRobot()
  const url = agent.authorizeUrl(id, { redirect_uri: redirect })
  const consent = await signIn(robot, await robot.open(url))
  assert.match(consent.text, /Described App wants to use docs/)
  assert.match(consent.text, /<strong>app\.example<\/strong>/)
  const done = await robot.submit(consent, { do: 'allow' })
  const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { json } = await agent.redeem(id, code, { redirect_uri: redirect })
  assert.equal(claimsOf(json.access_token)['client_id'], id)
  assert.equal(claimsOf(json.access_token)['urn:gw:kind'], 'human')
  assert.deepEqual(alone.fetched, [id])
  const elsewhere = agent.authorizeUrl(id, { redirect_uri: 'https://evil.example/cb' })
  assert.equal((await new FormRobot().open(elsewhere)).status, 400)
  const liar = agent.authorizeUrl('https://liar.example/c', { redirect_uri: redirect })
  assert.equal((await new FormRobot().open(liar)).status, 400)
})
