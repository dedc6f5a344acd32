/** Calls that wait for a person: told in the way each client understands, decided on the page, made once. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  ElicitationCompleteNotificationSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js'
import { newApiKey } from '../identity/api-keys.ts'
import { atPage } from '../testkit/approver.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { resultFor, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, modern, post, request } from '../testkit/rpc.ts'
import { connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const [lead, clerk, robot, leaver] = [
  newApiKey(randomBytes),
  newApiKey(randomBytes),
  newApiKey(randomBytes),
  newApiKey(randomBytes),
]

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer(complete)
  const anybody = { subjects: [{ any: true }] }
  const approval = { by: 'group:leads', for: '30m' }
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [
      {
        ...anybody,
        id: 'all',
        effect: 'allow',
        tools: ['docs/*'],
        resources: ['docs:file:///pub/**'],
      },
      {
        ...anybody,
        id: 'deletions',
        effect: 'require',
        tools: ['docs/delete_all'],
        resources: ['docs:file:///pub/secret'],
        require: { approval },
        reason: 'What is deleted is gone.',
        disclose: true,
      },
      {
        ...anybody,
        id: 'own',
        effect: 'require',
        tools: ['docs/read_file'],
        require: { approval: { by: 'subject' } },
      },
    ],
    config: {
      api_keys: [
        keyEntry(lead, { subject: 'lena', kind: 'human', groups: ['leads'] }),
        keyEntry(leaver, { subject: 'lucy', kind: 'human', groups: ['leads'] }),
        keyEntry(clerk, { subject: 'carl', kind: 'human', groups: ['clerks'] }),
        keyEntry(robot, { subject: 'robot', kind: 'agent', groups: ['leads'] }),
      ],
    },
  })
})

after(() => stopAll(gateway, server))

/** Results of the modern era say that they are whole; who listens is listened to. */
function complete({ json, headers, method }: Seen, response: ServerResponse): boolean {
  if (method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    return true
  }
  if (headers['mcp-protocol-version'] !== '2026-07-28' || json?.method === 'server/discover') {
    return false
  }
  const result = { resultType: 'complete', ...(resultFor(json) as object) }
  sendJson(response, { jsonrpc: '2.0', id: json?.id, result })
  return true
}

function keyEntry({ prefix, sha256 }: typeof lead, more: Readonly<Record<string, unknown>>) {
  return { prefix, sha256, owner: 'tests', ...more }
}

const tokenFor = (subject: string): Promise<string> =>
  gateway.token('docs', { subject, client: 'report-agent' })

/** Calls it without declaring anything; the page of the request, or the text that came back. */
async function call(token: string, args: unknown, tool = 'delete_all'): Promise<string> {
  const { json } = await post(gateway.url('docs'), callTool(tool, args), { token })
  const content = json?.result?.['content'] as readonly { readonly text: string }[] | undefined
  const text = content?.[0]?.text ?? `${json?.error?.code} ${json?.error?.message}`
  return /https?:\/\/\S+$/.exec(text)?.[0] ?? text
}

const arrived = (): number =>
  server.calls('tools/call').filter(({ json }) => json?.params?.['name'] === 'delete_all').length

test('a client that opens no pages is given the link in a tool error, and the approved call goes up once', async () => {
  const token = await tokenFor('ann')
  const [from, args] = [arrived(), { path: '/old' }]
  const url = await call(token, args)
  assert.match(url, new RegExp(`^${gateway.origin}/approve/[A-Za-z0-9_-]{22}$`))
  assert.equal(await call(token, args), url, 'the same call is the same request')
  const approver = atPage(url)
  assert.match((await approver.get()).text, /Sign in to decide/)
  assert.equal((await approver.signIn(lead.text)).status, 303)
  const page = (await approver.get()).text
  for (const word of [
    'report-agent',
    'agent',
    'delete_all',
    'docs',
    '/old',
    'What is deleted is gone.',
  ]) {
    assert.ok(page.includes(word), word)
  }
  assert.equal(arrived(), from)
  assert.equal((await approver.press('once')).status, 303)
  assert.match((await approver.get()).text, /Approved<\/strong> by lena/)
  const calls = await Promise.all(Array.from({ length: 5 }, () => call(token, args)))
  assert.equal(calls.filter((text) => text === 'called delete_all').length, 1)
  assert.equal(arrived(), from + 1)
  assert.notEqual(await call(token, args), url, 'the next one is asked for anew')
})

test('an approval is for these arguments, this caller and this tool alone', async () => {
  const [ann, bob] = [await tokenFor('ann'), await tokenFor('bob')]
  const url = await call(ann, { path: '/a' })
  const approver = atPage(url)
  await approver.signIn(lead.text)
  await approver.press('once')
  for (const [token, args] of [
    [ann, { path: '/b' }],
    [ann, { path: '/a', force: true }],
    [ann, {}],
    [bob, { path: '/a' }],
  ] as const) {
    assert.match(await call(token, args), /\/approve\//)
  }
  assert.equal(await call(ann, { path: '/a' }), 'called delete_all')
})

test('an approval for a while is good for the same call again and again, and never longer than the rule lets it', async () => {
  const token = await tokenFor('ann')
  const url = await call(token, { path: '/often' })
  const approver = atPage(url)
  await approver.signIn(lead.text)
  assert.equal((await approver.press('for', { fields: { minutes: '31' } })).status, 403)
  assert.equal((await approver.press('for', { fields: { minutes: '30' } })).status, 303)
  for (let i = 0; i < 3; i += 1) {
    assert.equal(await call(token, { path: '/often' }), 'called delete_all')
  }
  assert.match(await call(token, { path: '/other' }), /\/approve\//)
})

test('a call that was denied is refused without asking again, and nothing goes up', async () => {
  const token = await tokenFor('ann')
  const from = arrived()
  const url = await call(token, { path: '/no' })
  const approver = atPage(url)
  await approver.signIn(lead.text)
  await approver.press('deny')
  assert.match((await approver.get()).text, /Denied<\/strong> by lena/)
  assert.equal(await call(token, { path: '/no' }), '1001 A person has denied this call')
  await approver.press('once')
  assert.equal(await call(token, { path: '/no' }), '1001 A person has denied this call')
  assert.equal(arrived(), from)
})

test('who is not in the group, and who is no person, learns nothing and decides nothing', async () => {
  const token = await tokenFor('ann')
  const url = await call(token, { path: '/not-for-clerks' })
  for (const key of [clerk, robot]) {
    const approver = atPage(url)
    await approver.signIn(key.text)
    const { status, text } = await approver.get()
    assert.equal(status, 403)
    assert.doesNotMatch(text, /not-for-clerks|delete_all|report-agent/)
    assert.equal((await approver.press('once')).status, 403)
  }
  const stranger = atPage(url)
  assert.equal((await stranger.signIn(newApiKey(randomBytes).text)).status, 403)
  assert.equal(stranger.cookie, '')
  assert.match(await call(token, { path: '/not-for-clerks' }), /\/approve\//)
})

test('by: subject never matches a caller without a person, who is given no link', async () => {
  const token = await tokenFor('ann')
  assert.equal(
    await call(token, {}, 'read_file'),
    '1005 Nobody can approve this call: no person stands behind it',
  )
})

test('A-12 a form without its token, from another site, or of another request is refused; the page is never framed', async () => {
  const token = await tokenFor('ann')
  const [url, other] = [await call(token, { path: '/f' }), await call(token, { path: '/g' })]
  const approver = atPage(url)
  await approver.signIn(lead.text)
  const { headers, text } = await approver.get()
  assert.match(
    headers.get('content-security-policy') ?? '',
    /default-src 'none'.*frame-ancestors 'none'/,
  )
  assert.equal(headers.get('x-frame-options'), 'DENY')
  assert.equal(headers.get('referrer-policy'), 'no-referrer')
  assert.doesNotMatch(text, /<script|onclick|javascript:/i)
  for (const more of [
    { fields: { form_token: '' } },
    { fields: { form_token: 'x'.repeat(43) } },
    { headers: { origin: 'https://evil.example' } },
    { headers: { 'sec-fetch-site': 'cross-site' } },
    { headers: { origin: 'null', 'sec-fetch-site': 'same-site' } },
    { headers: { 'content-type': 'text/plain' } },
  ]) {
    assert.equal((await approver.press('once', more)).status, 403, JSON.stringify(more))
  }
  const elsewhere = atPage(other, approver.cookie)
  const stolen = /name="form_token" value="([^"]*)"/.exec(text)?.[1] ?? ''
  const crossed = await elsewhere.press('once', { fields: { form_token: stolen } })
  assert.equal(crossed.status, 403)
  for (const args of [{ path: '/f' }, { path: '/g' }]) {
    assert.match(await call(token, args), /\/approve\//)
  }
})

test('A-19 a cookie that was there before somebody signed in is not their session', async () => {
  const url = await call(await tokenFor('ann'), { path: '/fixed' })
  const chosen = `gatehouse-session=${'A'.repeat(43)}`
  const victim = atPage(url, chosen)
  await victim.signIn(lead.text)
  assert.notEqual(victim.cookie, chosen)
  assert.match((await atPage(url, chosen).get()).text, /Sign in to decide/)
  const before = victim.cookie
  await victim.signIn(lead.text)
  assert.notEqual(victim.cookie, before)
  assert.match((await atPage(url, before).get()).text, /Sign in to decide/)
  await victim.press('sign-out')
  assert.match((await victim.get()).text, /Sign in to decide/)
})

test('a session whose subject was revoked is over', async () => {
  const url = await call(await tokenFor('ann'), { path: '/revoked' })
  const approver = atPage(url)
  await approver.signIn(clerk.text)
  assert.equal((await approver.get()).status, 403)
  const body = { kind: 'subject', issuer: 'urn:gatehouse:api-key', value: 'carl' }
  assert.equal((await gateway.admin('POST', '/admin/revocations', { body })).status, 201)
  assert.match((await approver.get()).text, /Sign in to decide/)
  assert.equal((await approver.signIn(clerk.text)).status, 403)
})

test('a session that was begun with an API key ends when the key is revoked', async () => {
  const approver = atPage(await call(await tokenFor('ann'), { path: '/revoked' }))
  await approver.signIn(leaver.text)
  assert.match((await approver.get()).text, /Approve this call/)
  const body = { kind: 'token', issuer: 'urn:gatehouse:api-key', value: leaver.prefix }
  assert.equal((await gateway.admin('POST', '/admin/revocations', { body })).status, 201)
  assert.match((await approver.get()).text, /Sign in to decide/)
})

test('SDK v1 that opens pages is told with -32042 and when its person is done, and its next call goes through', async () => {
  const client = new Client(
    { name: 'test-agent', version: '1.0.0' },
    { capabilities: { elicitation: { url: {} } } },
  )
  const done = new Promise<string>((resolve) =>
    client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) =>
      resolve(params.elicitationId),
    ),
  )
  const listening = (): number => server.seen.filter(({ method }) => method === 'GET').length
  const before = listening()
  await connectV1(gateway.url('docs'), await tokenFor('ann'), client)
  await eventually(() => assert.equal(listening(), before + 1))
  try {
    const asked = { name: 'delete_all', arguments: { path: '/v1' } }
    const error: unknown = await client.callTool(asked).catch((reason: unknown) => reason)
    assert.ok(error instanceof UrlElicitationRequiredError, String(error))
    const [elicitation] = error.elicitations
    const approver = atPage(elicitation!.url)
    await approver.signIn(lead.text)
    await approver.press('once')
    assert.equal(await done, elicitation!.elicitationId)
    const result = await client.callTool(asked)
    assert.deepEqual(result.content, [{ type: 'text', text: 'called delete_all' }])
  } finally {
    await client.close()
  }
})

test('SDK v2 is asked within the call, which ends with the result of the tool; our round never goes up', async () => {
  const capabilities = { elicitation: { url: {} } }
  const versionNegotiation = { mode: 'auto' } as const
  const info = { name: 'test-agent', version: '1.0.0' }
  const client = new ModernClient(info, { capabilities, versionNegotiation })
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    assert.ok('url' in params)
    const approver = atPage(params.url)
    await approver.signIn(lead.text)
    await approver.press('once')
    return { action: 'accept' }
  })
  const headers = { Authorization: `Bearer ${await tokenFor('ann')}` }
  await client.connect(
    new ModernTransport(new URL(gateway.url('docs')), { requestInit: { headers } }),
  )
  try {
    const asked = { name: 'delete_all', arguments: { path: '/v2' } }
    const result = await client.callTool(asked)
    assert.deepEqual(result.content, [{ type: 'text', text: 'called delete_all' }])
    const [last] = server.calls('tools/call').slice(-1)
    assert.equal(last?.headers['mcp-protocol-version'], '2026-07-28')
    assert.deepEqual(last?.json?.params?.['arguments'], { path: '/v2' })
    assert.equal(last?.json?.params?.['inputResponses'], undefined)
  } finally {
    await client.close()
  }
})

test('other methods are answered with 1005 and the link in its data, and a modern tool error says it is complete', async () => {
  const token = await tokenFor('ann')
  const read = request('resources/read', { uri: 'file:///pub/secret' })
  const { json } = await post(gateway.url('docs'), read, { token })
  assert.equal(json?.error?.code, 1005)
  const { url } = json.error.data as { readonly url: string }
  assert.match(url, /\/approve\//)
  const asked = { name: 'delete_all', arguments: {} }
  const { body, headers } = modern('tools/call', asked, 1, {})
  const answer = await post(gateway.url('docs'), body, { token, headers })
  assert.equal(answer.json?.result?.['resultType'], 'complete')
  assert.equal(answer.json.result['isError'], true)
})

test('a request and its verdict are in the audit log, the arguments and keys are not', async () => {
  const token = await tokenFor('ann')
  const url = await call(token, { password: 'hunter2-hunter2' })
  const approver = atPage(url)
  await approver.signIn(lead.text)
  await approver.press('once')
  const records = await eventually(async () => {
    const all = await gateway.audit()
    const events = all.filter((record) => record['request'] === url.slice(-22))
    assert.deepEqual(
      events.map(({ event, by, rule }) => [event, by, rule]),
      [
        ['approval_asked', undefined, 'deletions'],
        ['approval_approved', 'lena', 'deletions'],
      ],
    )
    return all
  })
  const all = JSON.stringify(records) + gateway.child.output() + (await gateway.metrics())
  for (const secret of ['hunter2', lead.text, approver.cookie.split('=')[1] ?? '']) {
    assert.ok(!all.includes(secret))
  }
})
