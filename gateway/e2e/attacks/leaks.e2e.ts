/**
 * Names and credentials that must stay what they are: tokens count only in their header and appear in
 * no output, and no name breaks out of a header, a log line or an audit record. The names (T-10 …) are
 * those of the project's threat model.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import type { RawClient } from '../../testkit/raw-client.ts'
import { createRawClient, OK } from '../../testkit/raw-client.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, modern, post, request } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** A name as a hostile server may list it: in a header it would end the line and begin others. */
const SPLITTING = 'echo\r\nX-Injected: 1\r\n\r\nHTTP/1.1 200 OK\r\n'
const API_KEY = 'upstream-canary-5a1f'

let server: RecordingServer
let gateway: TestGatehouse
let token: string
let client: RawClient
const secrets: string[] = [API_KEY]

before(async () => {
  server = await startRecordingServer(({ json }, response) => {
    if (json?.method !== 'tools/list') return false
    const tools = ['echo', SPLITTING].map((name) => ({ name, inputSchema: {} }))
    sendJson(response, { jsonrpc: '2.0', id: json.id, result: { tools } })
    return true
  })
  gateway = await startGatehouse({
    servers: {
      docs: {
        upstream: server.url,
        credential: { value: 'Bearer ${env:DOCS_KEY}' },
        max_body: '4MiB',
      },
    },
    rules: [
      { id: 'all', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo*'] },
      {
        id: 'told',
        effect: 'deny',
        subjects: [{ groups: ['told'] }],
        tools: ['docs/**'],
        reason: 'Not for you',
        disclose: true,
      },
    ],
    env: { DOCS_KEY: API_KEY },
  })
  token = await issue({})
  client = createRawClient(gateway.url('docs'), token)
  await post(gateway.url('docs'), request('tools/list'), { token })
})

after(() => stopAll(server, gateway))

/** A token whose signature must appear nowhere. */
async function issue(options: Parameters<TestGatehouse['token']>[1]): Promise<string> {
  const made = await gateway.token('docs', options)
  secrets.push(made.slice(-60))
  return made
}

const form = { 'content-type': 'application/x-www-form-urlencoded' }

test('T-10 a token in the query, a cookie or the body is no token', async () => {
  const seen = server.seen.length
  const stray = await issue({ subject: 'stray' })
  const url = `${gateway.url('docs')}?access_token=${stray}`
  const body = JSON.stringify({ ...(callTool('echo') as object), access_token: stray })
  const replies = [
    await post(url, OK),
    await post(gateway.url('docs'), OK, { headers: { cookie: `access_token=${stray}` } }),
    await post(gateway.url('docs'), body),
    await post(gateway.url('docs'), OK, { headers: { 'x-access-token': stray } }),
    await post(gateway.url('docs'), OK, { headers: { 'proxy-authorization': `Bearer ${stray}` } }),
  ]
  for (const reply of replies) {
    assert.equal(reply.status, 401)
    assert.match(reply.text, /"error_description":"Authentication required"/)
  }
  const typed = await post(gateway.url('docs'), `access_token=${stray}`, { headers: form })
  assert.equal(typed.status, 415)
  assert.equal(server.seen.length, seen)
})

test('T-10 a token in the query does not go up with a call that has another in its header', async () => {
  const stray = await issue({ subject: 'stray' })
  const reply = await post(`${gateway.url('docs')}?access_token=${stray}`, OK, { token })
  assert.equal(reply.status, 200)
  assert.equal(server.seen.at(-1)?.target, '/mcp')
})

test('the token of the caller never goes up, the credential of the server always does', async () => {
  await post(gateway.url('docs'), OK, { token })
  await fetch(gateway.url('docs'), { headers: { authorization: `Bearer ${token}` } })
  for (const { headers, rawHeaders } of server.seen) {
    assert.equal(headers.authorization, `Bearer ${API_KEY}`)
    assert.equal(rawHeaders.join('\n').includes(token.slice(-60)), false)
  }
})

test('N-20 a tool name with line breaks is refused, encoded in a header or not, listed or not', async () => {
  const seen = server.seen.length
  const told = await issue({ groups: ['told'] })
  const { body, headers } = modern('tools/call', { name: SPLITTING, arguments: {} })
  const encoded = `=?base64?${Buffer.from(SPLITTING).toString('base64')}?=`
  const mirrored = await post(gateway.url('docs'), body, {
    token,
    headers: { ...headers, 'mcp-name': encoded },
  })
  assert.equal(mirrored.status, 400, mirrored.text)
  for (const bearer of [token, told]) {
    const { replies, reply } = await client.send({
      bearer,
      body: JSON.stringify(callTool(SPLITTING)),
    })
    assert.equal(replies.length, 1)
    assert.equal(reply.status, 400)
    assert.equal(reply.headers.has('x-injected'), false)
  }
  assert.equal(server.seen.length, seen)
})

test('N-20 a name that only looks like line breaks is echoed in JSON and in no header', async () => {
  const odd = 'a\u2028X-Injected: 1%0d%0aX-Injected: 1'
  const { replies, reply } = await client.send({ body: JSON.stringify(callTool(odd)) })
  assert.equal(replies.length, 1)
  assert.equal(reply.status, 200)
  assert.equal(reply.headers.has('x-injected'), false)
  assert.match(reply.text, /Unknown tool/)
})

test('N-20 scopes, clients and subjects with line breaks reach no header', async () => {
  const odd = { scope: 'a\r\nX-Injected: 1', client: 'c\r\nX-Injected: 1', subject: 's\r\nX: 1' }
  const bearer = await issue(odd)
  for (const body of [OK, JSON.stringify(callTool('made-up')), 'no JSON']) {
    const { reply } = await client.send({ bearer, body })
    assert.equal(reply.headers.has('x-injected'), false)
    assert.equal(reply.headers.has('x'), false)
  }
  assert.equal(server.seen.at(-1)?.headers['x-injected'], undefined)
})

const MARK = '"type":"forged"'

const NASTY = [
  `x\n{"time":"2026-01-01T00:00:00.000Z",${MARK}}`,
  `x\r\n{${MARK}}\r\n`,
  `x\u2028{${MARK}}\u2029`,
  'x\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  'x\u0000\u0001\u007f\u009b31m',
  'x\u202egnihtyreve',
  `{"jsonrpc":"2.0"}","effect":"allow"`,
  'n'.repeat(1_048_000),
]

test('D-11 a name makes one escaped and cut audit record, whatever is in it', async () => {
  const before = (await gateway.audit()).length
  for (const name of NASTY) {
    const reply = await post(gateway.url('docs'), callTool(name), { token })
    assert.ok(reply.json?.error, reply.text.slice(0, 200))
  }
  const text = await eventually(async () => {
    const written = await readFile(gateway.auditFile, 'utf8')
    const outcomes = written.split('\n').slice(before).filter(isOutcome)
    assert.ok(outcomes.length >= NASTY.length, `${outcomes.length} outcomes`)
    return written
  })
  // oxlint-disable-next-line no-control-regex -- that is what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/)
  const lines = text.split('\n').slice(0, -1)
  for (const line of lines) {
    assert.notEqual((JSON.parse(line) as { type: string }).type, 'forged')
    assert.ok(line.length < 8_192, `${line.length} characters`)
  }
})

function isOutcome(line: string): boolean {
  return line.includes('"type":"outcome"')
}

test('D-11 nothing a caller writes gets into the log', async () => {
  const odd = `/x\u001b[31m`
  await client.send({ target: odd })
  await client.send({ more: [['User-Agent', `a"b ${MARK}`]] })
  for (const line of gateway.child.output().split('\n').slice(0, -1)) {
    assert.doesNotMatch(line, /forged/)
    assert.ok(JSON.parse(line))
  }
})

test('no token, key or signature is in audit, log, metrics or status', async () => {
  const status = await fetch(`${gateway.ops}/admin/status`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  })
  assert.equal(status.status, 200)
  const outputs = {
    audit: await readFile(gateway.auditFile, 'utf8'),
    log: gateway.child.output(),
    metrics: await gateway.metrics(),
    ready: await (await fetch(`${gateway.ops}/readyz`)).text(),
    status: await status.text(),
  }
  for (const [name, text] of Object.entries(outputs)) {
    for (const secret of [...secrets, gateway.adminToken]) {
      assert.equal(text.includes(secret), false, name)
    }
  }
  assert.ok(outputs.audit.length > 1_000 && outputs.metrics.length > 1_000)
})
