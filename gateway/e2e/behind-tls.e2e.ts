/** The authorization server as it stands in production: its public address is https, and TLS ends before it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { startBalancer } from '../testkit/balancer.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { OauthAgent, REDIRECT } from '../testkit/oauth-agent.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'

const PUBLIC = 'https://gw.example'

test('Behind TLS every address is https, and cookies are secure and bound to the host', async (t) => {
  const upstream = await startRecordingServer()
  const proxy = await startBalancer('gw.example')
  const port = await freePort()
  proxy.ports.push(port)
  const gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
    config: { public_url: PUBLIC, listen: { port } },
  })
  t.after(async () => {
    await gateway.stop()
    await proxy.stop()
    await upstream.stop()
  })
  const lines: string[] = []
  const through: typeof fetch = async (to, init) => {
    const url = String(to instanceof Request ? to.url : to)
    const response = await fetch(url.replace(PUBLIC, proxy.origin), init)
    lines.push(...response.headers.getSetCookie())
    return response
  }
  const agent = new OauthAgent(proxy.origin)
  const { json: client } = await agent.register()
  const robot = new FormRobot({ fetch: through })
  const url = agent.authorizeUrl(client.client_id).replace(proxy.origin, PUBLIC)
  const back = await agent.consent(robot, url)
  assert.equal(back.origin + back.pathname, REDIRECT)
  assert.equal(back.searchParams.get('iss'), PUBLIC)
  const { status } = await agent.redeem(client.client_id, back.searchParams.get('code') ?? '')
  assert.equal(status, 200)
  assert.match(client.registration_client_uri, /^https:\/\/gw\.example\/oauth\/register\//)
  const set = lines.filter((line) => !/expires=Thu, 01 Jan 1970|Max-Age=0/i.test(line))
  assert.ok(set.length >= 4)
  for (const line of set) {
    assert.match(line, /^__(Host|Secure)-gatehouse-/, line)
    assert.match(line, /; secure/i, line)
    assert.match(line, /; httponly/i, line)
    assert.match(line, /; samesite=lax/i, line)
    assert.doesNotMatch(line, /; domain=/i, line)
    if (line.startsWith('__Host-')) assert.match(line, /; path=\/(;|$)/i, line)
  }
  assert.ok(set.some((line) => line.startsWith('__Host-gatehouse-session=')))
})
