/** A person approves what an agent wants to do for them, signed in at the gateway's own authorization server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let upstream: RecordingServer
let gateway: TestGatehouse

before(async () => {
  upstream = await startRecordingServer()
  const rule = { id: 'own', effect: 'require', subjects: [{ any: true }] }
  const require = { approval: { by: 'subject' } }
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs'), { ...rule, tools: ['docs/delete_all'], require }],
    section: { registration: { per_minute: 100 } },
  })
})

after(() => stopAll(gateway, upstream))

test('the person an agent acts for signs in with a name, approves, and the call goes through once', async () => {
  const agent = new OauthAgent(gateway.origin)
  const { json: client } = await agent.register({ grant_types: ['authorization_code'] })
  const consented = await agent.consent(new FormRobot(), agent.authorizeUrl(client.client_id))
  const code = consented.searchParams.get('code') ?? ''
  const { json } = await agent.redeem(client.client_id, code)
  const call = async (): Promise<string> => {
    const token = json.access_token
    const answer = await post(gateway.url('docs'), callTool('delete_all', { path: '/a' }), {
      token,
    })
    const content = answer.json?.result?.['content'] as readonly { readonly text: string }[]
    return content[0]?.text ?? ''
  }
  const [link = ''] = /http\S+$/.exec(await call()) ?? []
  // Another browser than the one that consented, in which nobody is signed in.
  const robot = new FormRobot()
  const before = await robot.open(link)
  const [, href = ''] = /href="([^"]*)"/.exec(before.text) ?? []
  const asked = await signIn(robot, await robot.open(new URL(href, link).href))
  assert.equal(asked.url, link)
  assert.match(asked.text, /wants to use the tool\s+<strong>delete_all<\/strong>/)
  assert.match(asked.text, /signed in at/)
  const decided = await robot.submit(asked, { do: 'once' })
  assert.match(decided.text, /This call was approved/)
  assert.equal(await call(), 'called delete_all')
  assert.match(await call(), /\/approve\//)
})
