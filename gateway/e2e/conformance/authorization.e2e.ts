/** The official suite's scenarios for authorization servers; a form robot is the person they wait for. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'

import { startOwnIssuer } from '../../testkit/authorization-server.ts'
import { NODE, startChild } from '../../testkit/child.ts'
import { FormRobot } from '../../testkit/form-robot.ts'
import { freePort } from '../../testkit/free-port.ts'
import { allowAll } from '../../testkit/gatehouse.ts'
import { OauthAgent } from '../../testkit/oauth-agent.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'

test('conformance authorization: metadata and the code grant, all checks pass', async (t) => {
  const upstream = await startRecordingServer()
  const gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
  })
  t.after(async () => {
    await gateway.stop()
    await upstream.stop()
  })
  const port = await freePort()
  const agent = new OauthAgent(gateway.origin)
  const redirect = `http://127.0.0.1:${port}/callback`
  const { json: client } = await agent.register({ redirect_uris: [redirect] })
  const require = createRequire(import.meta.url)
  const home = join(require.resolve('@modelcontextprotocol/conformance/package.json'), '..')
  const suite = startChild({
    command: NODE,
    args: [
      join(home, 'dist/index.js'),
      'authorization',
      '--url',
      gateway.origin,
      '--client-id',
      client.client_id,
      '--resource',
      gateway.url('docs'),
      '-p',
      String(port),
    ],
  })
  const [address] = await suite.waitFor(/http:\S+\/oauth\/authorize\?\S+/)
  await suite.waitFor(/Callback server started/)
  const back = await agent.consent(new FormRobot(), address)
  assert.equal((await fetch(back)).status, 200)
  assert.equal(await suite.exited, 0, suite.output())
  const [, passed, failed] = /Total: (\d+) passed, (\d+) failed/.exec(suite.output()) ?? []
  assert.deepEqual([passed, failed], ['3', '0'], suite.output())
})
