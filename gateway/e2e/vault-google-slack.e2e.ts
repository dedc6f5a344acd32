/**
 * What people come for: one MCP server that uses Google Drive and Slack, two people who each sign in once,
 * and every call under the caller's own name at both, with stock clients of both eras.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { SESSION_COOKIE } from '../pages/cookies.ts'
import { createRobot, type Robot } from '../testkit/browser-robot.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import { PASSWORD, SECRETS, startOffice, type Office, type Person } from '../testkit/office.ts'
import { recordAnswers, type RecordedAnswers } from '../testkit/recorded-answers.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import { connectAuto, connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

let office: Office
let answers: RecordedAnswers
let collector: RecordingServer
/** Those that the gateway gave to clients. */
const ours = new Set<string>()

before(async () => {
  collector = await startRecordingServer((_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    return true
  })
  office = await startOffice(`${collector.origin}/v1/traces`)
  answers = recordAnswers(office.gateway.origin)
})

after(() => stopAll(answers, office, collector))

type Signed = { readonly token: string; readonly browser: Robot }

/** From nothing to a token, in a browser that is signed in after it. */
async function signIn(name: Person): Promise<Signed> {
  const { gateway } = office
  const agent = new OauthAgent(gateway.origin)
  const { json: client } = await agent.register()
  const robot = new FormRobot()
  const first = await robot.open(
    agent.authorizeUrl(client.client_id, { resource: gateway.url('office') }),
  )
  const asked = await robot.submit(first, { name, password: PASSWORD, do: 'sign-in' })
  let done = await robot.submit(asked, { do: 'allow' })
  // Nothing is connected in this visit: each call is to ask for what it needs.
  for (const provider of ['google', 'slack']) {
    const later = new RegExp(`href="([^"]+)">Not now</a>`).exec(done.text)?.[1]
    assert.ok(later !== undefined && done.url.includes(`/connect/${provider}?`), done.text)
    done = await robot.open(gateway.origin + later)
  }
  const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { json } = await agent.redeem(client.client_id, code)
  ours.add(json.access_token)
  const browser = createRobot()
  const session = robot.cookies.find((cookie) => cookie.startsWith(`${SESSION_COOKIE}=`)) ?? ''
  browser.setCookie(gateway.origin, SESSION_COOKIE, session.slice(SESSION_COOKIE.length + 1))
  return { token: json.access_token, browser }
}

/** What the tool says, or the link that it says instead. */
async function use(token: string, name: string, args: Record<string, string>, era: 'v1' | 'auto') {
  const { gateway } = office
  const client =
    era === 'v1'
      ? await connectV1(gateway.url('office'), token)
      : await connectAuto(gateway.url('office'), token)
  try {
    const { content } = await client.callTool({ name, arguments: args })
    const [first] = content as { text: string }[]
    return first?.text ?? ''
  } finally {
    await client.close()
  }
}

/** Follows the link in a text and picks the person's own account at the provider. */
async function connect(text: string, name: Person, browser: Robot): Promise<void> {
  const link = /http:\/\/\S+\/connect\/\w+\?ticket=[\w-]+/.exec(text)?.[0]
  assert.ok(link, text)
  const picker = await browser.submit(await browser.open(link))
  assert.match(picker.html, /Emulator/, picker.html)
  const done = await browser.submit(picker, { pick: `${name}@example.com` })
  assert.match(done.html, /is connected/, done.html)
}

for (const [name, era] of [
  ['alice', 'v1'],
  ['bob', 'auto'],
] as const) {
  test(`${name} signs in once, connects Drive and Slack where a call needs them, and acts there as ${name}`, async () => {
    const { token, browser } = await signIn(name)
    const search = () => use(token, 'search_drive', { query: 'report' }, era)
    const post = () => use(token, 'post_to_slack', { text: `hello from ${name}` }, era)
    await connect(await search(), name, browser)
    assert.equal(await search(), `report of ${name}`)
    await connect(await post(), name, browser)
    assert.match(await post(), new RegExp(`^posted as ${name}$`))
  })
}

test('Neither provider’s tokens reach anybody but the server they are for, nor does the caller’s reach that', async () => {
  const { gateway, server } = office
  const tokens = Array.from(server.seen, (authorization) => authorization.replace('Bearer ', ''))
  assert.equal(tokens.length, 4)
  for (const token of ours) assert.ok(!tokens.some((one) => one.includes(token)))
  await eventually(() => assert.ok(traces().includes('post_to_slack')))
  const told = [
    traces(),
    answers.text(),
    JSON.stringify(await gateway.audit()),
    await gateway.metrics(),
    gateway.child.output(),
    JSON.stringify((await gateway.admin('GET', '/admin/connections')).json),
  ].join('\n')
  assert.match(told, /"location"/)
  assert.match(told, /report of alice/)
  for (const secret of [...tokens, ...Object.values(SECRETS), PASSWORD]) {
    assert.ok(!told.includes(secret), secret)
  }
})

/** What the gateway has sent of traces. */
function traces(): string {
  return collector.seen.map(({ body }) => body.toString('latin1')).join('\n')
}
