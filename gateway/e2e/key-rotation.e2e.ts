/**
 * A new key at two gateways while clients are at work: no session, task, round or stream is lost until the
 * old key is taken away.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import type { Replicas } from '../testkit/replicas.ts'
import { ringEntry, startReplicas, turnKeys } from '../testkit/replicas.ts'
import type { Reply } from '../testkit/rpc.ts'
import { modern, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [
  { id: 'asking', ...ANYBODY, methods: ['elicitation/create'] },
  { id: 'echo', ...ANYBODY, tools: ['docs/echo', 'docs/read_file'] },
]

const OLD = ringEntry('old')
const NEW = ringEntry('new')

let server: RecordingServer
let replicas: Replicas
let token: string

before(async () => {
  server = await startRecordingServer(answer)
  replicas = await startReplicas({ upstream: server.url }, { rules: RULES, entries: [OLD] })
  token = await replicas.token()
})

after(() => stopAll(replicas, server))

/** Legacy: a GET brings one event with an id. Modern: `echo` wants a round, `read_file` makes a task. */
function answer({ method, json, headers }: Seen, response: ServerResponse): boolean {
  if (method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end('id: e-1\ndata:\n\n')
    return true
  }
  const { method: asked = '', params } = json ?? {}
  const isOurs = ['tools/call', 'tasks/get'].includes(asked)
  if (headers['mcp-protocol-version'] !== '2026-07-28' || !isOurs) return false
  const round = {
    resultType: 'input_required',
    inputRequests: { q: { method: 'elicitation/create', params: {} } },
    requestState: 'round',
  }
  const task = { resultType: 'task', taskId: 'task-1', status: 'working', ttl: 60_000 }
  const isCall = asked === 'tools/call'
  const complete = { ...task, resultType: 'complete', content: [] }
  const first = params?.['name'] === 'echo' ? round : task
  const result = isCall && params?.['requestState'] === undefined ? first : complete
  sendJson(response, { jsonrpc: '2.0', id: json?.id, result })
  return true
}

type Handles = {
  readonly session: string
  readonly event: string
  readonly task: string
  readonly state: string
}

/** What a client is given at this gateway, to be used at any. */
async function collect(url: string): Promise<Handles> {
  const session = await openSession(url, token)
  const stream = await listen(url, session)
  const [, event = ''] = /^id: (.+)$/m.exec(await stream.text()) ?? []
  const task = await call(url, { name: 'read_file', arguments: {} })
  const round = await call(url, { name: 'echo', arguments: {} })
  const [taskId, state] = [task.json?.result?.['taskId'], round.json?.result?.['requestState']]
  assert.ok(event !== '' && typeof taskId === 'string' && typeof state === 'string')
  return { session, event, task: taskId, state }
}

const call = (url: string, params: object, method = 'tools/call'): Promise<Reply> => {
  const { body, headers } = modern(method, { ...params })
  return post(url, body, { token, headers })
}

const ping = (url: string, session: string): Promise<Reply> =>
  post(url, request('ping'), { token, headers: { 'mcp-session-id': session } })

const listen = (url: string, session: string, lastEventId?: string): Promise<Response> =>
  fetch(url, {
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      'mcp-session-id': session,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  })

/** What comes of each handle at this gateway: the status, or the code of the error. */
async function use(url: string, { session, event, task, state }: Handles) {
  const resumed = await listen(url, session, event)
  await resumed.body?.cancel()
  const asked = await call(url, { taskId: task }, 'tasks/get')
  const echo = { name: 'echo', arguments: {}, requestState: state, inputResponses: {} }
  const { json } = await call(url, echo)
  return {
    session: (await ping(url, session)).status,
    event: resumed.status,
    task: asked.json?.error?.code ?? asked.status,
    state: json?.error?.code ?? json?.result?.['resultType'],
  }
}

const GOOD = { session: 200, event: 200, task: 200, state: 'complete' }
const UNKNOWN = { session: 404, event: 404, task: -32602, state: -32602 }

test('a key is added, made current and the old one removed at one gateway after the other, and no handle is lost before', async () => {
  const urls = [replicas.first.url('docs'), replicas.second.url('docs')] as const
  const gateways = [replicas.first, replicas.second] as const
  const handles = [await collect(urls[0])]
  const steps = [
    [[OLD, NEW], 'the key ring has changed: old seals, also opens new'],
    [[NEW, OLD], 'the key ring has changed: new seals, also opens old'],
  ] as const
  for (const [ring, notice] of steps) {
    for (const gateway of gateways) {
      assert.deepEqual(await turnKeys(gateway, ring), [notice])
      // In between the two differ, and each opens what the other seals.
      handles.push(...(await Promise.all(urls.map(collect))))
      for (const url of urls) {
        for (const each of handles) assert.deepEqual(await use(url, each), GOOD)
      }
    }
  }
  for (const gateway of gateways) {
    await turnKeys(gateway, [NEW])
    const [url, latest] = [gateway.url('docs'), handles.at(-1)!]
    assert.deepEqual(await use(url, handles[0]!), UNKNOWN)
    assert.deepEqual(await use(url, latest), GOOD)
  }
})

test('calls that run on through a change of keys are answered, every one', async () => {
  const urls = [replicas.first.url('docs'), replicas.second.url('docs')] as const
  for (const gateway of [replicas.first, replicas.second]) await turnKeys(gateway, [NEW])
  const sessions = await Promise.all(
    [urls[0], urls[1], urls[0]].map((url) => openSession(url, token)),
  )
  const turned = new AbortController()
  let answered = 0
  const work = sessions.map(async (session) => {
    for (let turn = 0; !turned.signal.aborted; turn++) {
      assert.equal((await ping(urls[turn % 2] ?? urls[0], session)).status, 200)
      answered += 1
    }
  })
  const third = ringEntry('third')
  for (const ring of [
    [NEW, third],
    [third, NEW],
  ]) {
    for (const gateway of [replicas.first, replicas.second]) {
      await turnKeys(gateway, ring)
      const before = answered
      await eventually(() => assert.ok(answered > before + sessions.length))
    }
  }
  turned.abort()
  await Promise.all(work)
})

test('a ring that cannot be read is not taken, and what the old one sealed stays open', async () => {
  const session = await openSession(replicas.url, token)
  await assert.rejects(turnKeys(replicas.first, ['third:short']), /32 bytes/)
  assert.equal((await ping(replicas.url, session)).status, 200)
})
