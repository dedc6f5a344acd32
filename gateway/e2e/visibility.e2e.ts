/**
 * What lists show to stock clients of both eras, and how each refusal looks to them: row by row the table of the
 * policy language, through the real path.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'

import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { connectAuto, connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ALLOW = { effect: 'allow', subjects: [{ any: true }] }
const DENY = { effect: 'deny', subjects: [{ any: true }] }
const TOLD = { reason: 'Not now.', disclose: true }
const OVER = { during: { until: '2020-01-01' } }

const RULES = [
  { ...ALLOW, id: 'plain', tools: ['docs/plain', 'docs/denied*', 'docs/approved', 'docs/tried'] },
  { ...DENY, id: 'denied', tools: ['docs/denied'] },
  { ...DENY, id: 'denied-told', tools: ['docs/denied_told'], ...TOLD },
  { ...ALLOW, id: 'scoped', tools: ['docs/scoped'], subjects: [{ scopes: ['docs:write'] }] },
  {
    ...ALLOW,
    id: 'approval',
    effect: 'require',
    tools: ['docs/approved'],
    require: { approval: { by: 'group:leads' } },
  },
  { ...ALLOW, id: 'late', tools: ['docs/late'], ...OVER },
  { ...ALLOW, id: 'late-shown', tools: ['docs/late_shown'], ...OVER, ...TOLD, show: true },
  { ...ALLOW, id: 'granted', tools: ['docs/granted'], grant: { max_uses: 1 } },
  {
    ...ALLOW,
    id: 'granted-shown',
    tools: ['docs/granted_shown'],
    grant: { max_uses: 1 },
    ...TOLD,
    show: true,
  },
  { ...ALLOW, id: 'by-path', tools: ['docs/by_path'], when: 'args.path.startsWith("/pub/")' },
  { ...DENY, id: 'trial', tools: ['docs/tried'], mode: 'shadow' },
  { ...ALLOW, id: 'trial-allow', tools: ['docs/tried_allow'], mode: 'shadow' },
  { ...ALLOW, id: 'few', tools: ['docs/few'], limits: { rate: '1/h', burst: 1 } },
  { ...ALLOW, id: 'reading', prompts: ['docs/hello'], resources: ['docs:file:///pub/**'] },
]

/** Every name of a rule, and one that no rule speaks of. */
const TOOLS =
  'plain denied denied_told scoped approved late late_shown granted granted_shown by_path tried tried_allow few nobody'.split(
    ' ',
  )

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer(answer)
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: RULES,
  })
  const jwks = { keys: [gateway.signer.jwk] }
  await gateway.writeConfig({
    issuers: [{ issuer: ISSUER, jwks, kind: 'agent', interactive: true }],
  })
  assert.equal((await gateway.admin('POST', '/admin/reload')).status, 200)
})

after(() => stopAll(gateway, server))

/** Results of both eras at once: members of the modern one are none of a legacy client's business. */
function answer({ json }: Seen, response: ServerResponse): boolean {
  const told = (result: object): true => {
    const whole = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...result }
    sendJson(response, { jsonrpc: '2.0', id: json?.id, result: whole })
    return true
  }
  switch (json?.method) {
    case 'tools/list':
      return told({ tools: TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } })) })
    case 'prompts/list':
      return told({ prompts: [{ name: 'hello' }, { name: 'secret' }] })
    case 'resources/list': {
      const uris = ['file:///pub/a', 'file:///priv/b']
      return told({ resources: uris.map((uri) => ({ uri, name: uri })) })
    }
    case 'tools/call':
      return told({ content: [{ type: 'text', text: 'done' }] })
    case 'prompts/get':
      return told({ messages: [] })
    case 'resources/read':
      return told({ contents: [] })
    case 'server/discover': {
      const capabilities = { tools: {}, prompts: {}, resources: {} }
      return told({ supportedVersions: ['2026-07-28'], capabilities })
    }
    default:
      return false
  }
}

async function grant(rule: string, subject: string): Promise<void> {
  const body = { rule, issuer: ISSUER, subject, maxUses: 1 }
  const { status, json } = await gateway.admin('POST', '/admin/grants', { body })
  assert.equal(status, 201, JSON.stringify(json))
}

type Called = { readonly content?: unknown; readonly isError?: unknown }

/** What a call comes to, in a line: `done`, a link, or the error as the client reads it. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    const { content, isError } = (await call) as Called
    if (isError !== true) return 'done'
    return /\/approve\/[\w-]{22}/.test(JSON.stringify(content)) ? 'a link' : 'an error'
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string }
    return `${String(code)} ${message.replace(/^MCP error -?\d+: /, '')}`
  }
}

const CLIENTS = [
  { era: 'legacy', connect: connectV1, noResource: -32002 },
  { era: 'modern', connect: connectAuto, noResource: -32602 },
] as const

for (const { era, connect, noResource } of CLIENTS) {
  describe(`to a stock client of the ${era} era`, () => {
    const open = async (subject: string, scope = '') => {
      const token = await gateway.token('docs', { subject, scope, client: 'assistant' })
      return await connect(gateway.url('docs'), token)
    }
    type Open = Awaited<ReturnType<typeof open>>
    const namesFor = async (client: Open): Promise<readonly string[]> =>
      (await client.listTools()).tools.map(({ name }) => name)
    const call = (client: Open, name: string, args: Record<string, unknown> = {}) =>
      outcome(client.callTool({ name, arguments: args }))
    const unknown = (name: string): string => `-32602 Unknown tool: ${name}`

    /** Of each tool: whether lists show it, and what a call comes to. */
    const ROWS: readonly (readonly [
      what: string,
      tool: string,
      shown: 'shown' | 'hidden',
      called: string,
    ])[] = [
      ['what is allowed', 'plain', 'shown', 'done'],
      ['what is denied', 'denied', 'hidden', unknown('denied')],
      ['what is denied for a reason that may be told', 'denied_told', 'hidden', '1001 Not now.'],
      ['what nothing allows', 'nobody', 'hidden', unknown('nobody')],
      ['what waits for approval', 'approved', 'shown', 'a link'],
      ['what is allowed at another time', 'late', 'hidden', unknown('late')],
      ['what is shown at any time', 'late_shown', 'shown', '1001 Not now.'],
      ['what needs a grant', 'granted', 'hidden', unknown('granted')],
      ['what is shown without a grant', 'granted_shown', 'shown', '1001 Not now.'],
      ['what depends on arguments', 'by_path', 'shown', '1001 Denied by policy'],
      ['what a rule in shadow mode would deny', 'tried', 'shown', 'done'],
      ['what only one in shadow mode allows', 'tried_allow', 'hidden', unknown('tried_allow')],
    ]
    for (const [what, tool, shown, called] of ROWS) {
      test(`${era}: ${what} is ${shown}, and a call of it comes to: ${called}`, async () => {
        const client = await open('ann')
        try {
          assert.equal((await namesFor(client)).includes(tool), shown === 'shown')
          const before = server.calls('tools/call').length
          assert.equal(await call(client, tool, { path: '/etc/passwd' }), called)
          const went = server.calls('tools/call').length - before
          assert.equal(went, called === 'done' ? 1 : 0)
        } finally {
          await client.close()
        }
      })
    }

    test(`${era}: what depends on arguments goes through with the right ones`, async () => {
      const client = await open('ann')
      assert.equal(await call(client, 'by_path', { path: '/pub/a' }), 'done')
      await client.close()
    })

    test(`${era}: what only lacks a scope that can be had is shown, and with the scope it goes through`, async () => {
      const [without, holder] = [await open('ann'), await open('ann', 'docs:write')]
      assert.ok((await namesFor(without)).includes('scoped'))
      const before = server.calls('tools/call').length
      assert.match(await call(without, 'scoped'), /403|insufficient_scope|Insufficient scope/i)
      assert.equal(server.calls('tools/call').length, before)
      assert.equal(await call(holder, 'scoped'), 'done')
      for (const client of [without, holder]) await client.close()
    })

    test(`${era}: a grant shows what it is for until it is used up, and then what says so still`, async () => {
      const holder = `holder of ${era}`
      for (const rule of ['granted', 'granted-shown']) await grant(rule, holder)
      const client = await open(holder)
      assert.ok((await namesFor(client)).includes('granted'))
      assert.equal(await call(client, 'granted'), 'done')
      assert.equal(await call(client, 'granted'), unknown('granted'))
      assert.ok(!(await namesFor(client)).includes('granted'))
      assert.equal(await call(client, 'granted_shown'), 'done')
      assert.equal(await call(client, 'granted_shown'), '1001 Not now.')
      assert.ok((await namesFor(client)).includes('granted_shown'))
      await client.close()
    })

    test(`${era}: what is asked too often is told so, and is shown as before`, async () => {
      const client = await open(`eager in ${era}`)
      assert.equal(await call(client, 'few'), 'done')
      assert.equal(await call(client, 'few'), '1002 Too many calls in a short time')
      assert.ok((await namesFor(client)).includes('few'))
      await client.close()
    })

    test(`${era}: hidden prompts and resources are on no list, and answered like those that do not exist`, async () => {
      const client = await open('ann')
      const { prompts } = await client.listPrompts()
      assert.deepEqual(
        prompts.map(({ name }) => name),
        ['hello'],
      )
      const { resources } = await client.listResources()
      assert.deepEqual(
        resources.map(({ uri }) => uri),
        ['file:///pub/a'],
      )
      assert.equal(await outcome(client.getPrompt({ name: 'hello' })), 'done')
      assert.equal(await outcome(client.readResource({ uri: 'file:///pub/a' })), 'done')
      for (const name of ['secret', 'made-up']) {
        assert.equal(await outcome(client.getPrompt({ name })), `-32602 Unknown prompt: ${name}`)
      }
      const told = ['file:///priv/b', 'file:///priv/made-up'].map(async (uri) => {
        const said = await outcome(client.readResource({ uri }))
        return said.replace(uri, 'URI')
      })
      const [hidden, madeUp] = await Promise.all(told)
      assert.match(hidden ?? '', new RegExp(`^${noResource} `))
      assert.equal(hidden, madeUp)
      await client.close()
    })
  })
}
