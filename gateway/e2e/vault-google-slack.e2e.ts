/**
 * What people come for: one MCP server that uses Google Drive and Slack, two people who each sign in once,
 * and every call under the caller's own name at both, with stock clients of both eras.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { createEmulator, type Emulator } from 'emulate'

import { hashPassword } from '../identity/passwords.ts'
import { SESSION_COOKIE } from '../pages/cookies.ts'
import { createRobot, type Robot } from '../testkit/browser-robot.ts'
import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import { allowAll, type TestGatehouse } from '../testkit/gatehouse.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import { startOfficeServer, type OfficeServer } from '../testkit/office-server.ts'
import { connectAuto, connectV1 } from '../testkit/sdk-client.ts'

const PASSWORD = 'correct horse battery staple'
const PEOPLE = ['alice', 'bob'] as const
type Person = (typeof PEOPLE)[number]

const KEYS = `k1:${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')}`
const SECRETS = { GOOGLE_SECRET: 'google-secret-canary', SLACK_SECRET: 'slack-secret-canary' }

let google: Emulator
let slack: Emulator
let office: OfficeServer
let gateway: TestGatehouse

/** The emulators say `localhost`, which may be another address for somebody else. */
function originOf({ url }: Emulator): string {
  return url.replace('localhost', '127.0.0.1')
}

before(async () => {
  const port = await freePort()
  const back = (provider: string) => [`http://127.0.0.1:${port}/connect/${provider}/callback`]
  const users = PEOPLE.map((name) => ({ name, real_name: name, email: `${name}@example.com` }))
  google = await createEmulator({
    service: 'google',
    port: await freePort(),
    seed: {
      google: {
        users: users.map(({ name, email }) => ({ name, email })),
        oauth_clients: [
          { client_id: 'gid', client_secret: SECRETS.GOOGLE_SECRET, redirect_uris: back('google') },
        ],
        drive_items: PEOPLE.map((name) => ({
          id: `file-of-${name}`,
          user_email: `${name}@example.com`,
          name: `report of ${name}`,
          mime_type: 'text/plain',
        })),
      },
    },
  })
  slack = await createEmulator({
    service: 'slack',
    port: await freePort(),
    seed: {
      slack: {
        team: { name: 'Team', domain: 'team' },
        users,
        channels: [{ name: 'general' }],
        oauth_apps: [
          {
            client_id: 'sid',
            client_secret: SECRETS.SLACK_SECRET,
            name: 'Gatehouse',
            redirect_uris: back('slack'),
            user_scopes: ['chat:write'],
          },
        ],
      },
    },
  })
  office = await startOfficeServer(originOf(google), originOf(slack))
  const password = await hashPassword(PASSWORD)
  const people = Object.fromEntries(PEOPLE.map((name) => [name, { password, name }]))
  const drive = 'https://www.googleapis.com/auth/drive.readonly'
  gateway = await startOwnIssuer({
    servers: {
      office: {
        upstream: office.url,
        credential: { mode: 'vault', provider: 'google', scopes: [drive] },
        tool_credentials: { post_to_slack: { mode: 'vault', provider: 'slack' } },
      },
    },
    rules: [allowAll('office')],
    files: { 'users.yaml': JSON.stringify({ version: 1, users: people }) },
    config: {
      public_url: `http://127.0.0.1:${port}`,
      listen: { port },
      providers: {
        google: {
          authorize_url: `${originOf(google)}/o/oauth2/v2/auth`,
          token_url: `${originOf(google)}/oauth2/token`,
          revoke_url: `${originOf(google)}/oauth2/revoke`,
          issuer: google.url,
          client: { id: 'gid', secret: '${env:GOOGLE_SECRET}' },
        },
        slack: {
          authorize_url: `${originOf(slack)}/oauth/v2/authorize`,
          token_url: `${originOf(slack)}/api/oauth.v2.access`,
          scopes: ['chat:write'],
          client: { id: 'sid', secret: '${env:SLACK_SECRET}' },
        },
      },
    },
    env: { ...SECRETS, GATEHOUSE_KEYS: KEYS },
  })
})

after(async () => {
  await gateway.stop()
  await office.stop()
  await google.close()
  await slack.close()
})

type Signed = { readonly token: string; readonly browser: Robot }

/** From nothing to a token, in a browser that is signed in after it. */
async function signIn(name: Person): Promise<Signed> {
  const agent = new OauthAgent(gateway.origin)
  const { json: client } = await agent.register()
  const robot = new FormRobot()
  const first = await robot.open(
    agent.authorizeUrl(client.client_id, { resource: gateway.url('office') }),
  )
  const asked = await robot.submit(first, { name, password: PASSWORD, do: 'sign-in' })
  const done = asked.headers.has('location') ? asked : await robot.submit(asked, { do: 'allow' })
  const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { json } = await agent.redeem(client.client_id, code)
  const browser = createRobot()
  const session = robot.cookies.find((cookie) => cookie.startsWith(`${SESSION_COOKIE}=`)) ?? ''
  browser.setCookie(gateway.origin, SESSION_COOKIE, session.slice(SESSION_COOKIE.length + 1))
  return { token: json.access_token, browser }
}

/** What the tool says, or the link that it says instead. */
async function use(token: string, name: string, args: Record<string, string>, era: 'v1' | 'auto') {
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
  const tokens = Array.from(office.seen, (authorization) => authorization.replace('Bearer ', ''))
  assert.equal(tokens.length, 4)
  assert.ok(tokens.every((token) => !token.startsWith('eyJ')))
  const told = [
    await readFile(gateway.auditFile, 'utf8'),
    await gateway.metrics(),
    gateway.child.output(),
    JSON.stringify((await gateway.admin('GET', '/admin/connections')).json),
  ].join('\n')
  for (const secret of [...tokens, ...Object.values(SECRETS), PASSWORD]) {
    assert.ok(!told.includes(secret), secret)
  }
})
