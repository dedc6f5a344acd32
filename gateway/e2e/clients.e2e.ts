/** Stock TypeScript clients against a real, unmodified server through a real gateway. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'

import type { EverythingServer } from '../testkit/everything.ts'
import { startEverything } from '../testkit/everything.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { connectV1, connectV2 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const RULES = [
  {
    id: 'everything-harmless',
    effect: 'allow',
    subjects: [{ kind: 'agent' }],
    tools: ['everything/echo', 'everything/get-sum', 'everything/trigger-long-running-operation'],
    prompts: ['everything/simple-prompt'],
    resources: ['everything:demo://resource/static/document/features.md'],
  },
  { id: 'recording-big', effect: 'allow', subjects: [{ groups: ['big'] }], tools: ['recording/*'] },
]

/** A denied call that takes longer hangs: the clients give up after a minute. */
const SOON_MS = 10_000

const BIG = 'x'.repeat(5 * 1_048_576)

let everything: EverythingServer
let recording: RecordingServer
let gateway: TestGatehouse

before(async () => {
  everything = await startEverything()
  recording = await startRecordingServer(bigResults)
  gateway = await startGatehouse({
    servers: { everything: everything.url, recording: recording.url },
    rules: RULES,
  })
})

after(() => stopAll(gateway, everything, recording))

/** `echo` answers with 5 MiB as JSON, `read_file` with the same as an event. */
function bigResults({ json }: Seen, response: ServerResponse): boolean {
  if (json?.method !== 'tools/call') return false
  const message = {
    jsonrpc: '2.0',
    id: json.id,
    result: { content: [{ type: 'text', text: BIG }] },
  }
  if (json.params?.['name'] === 'echo') sendJson(response, message)
  else sendEvents(response, [message])
  return true
}

const CLIENTS = [
  { name: 'SDK v1', connect: connectV1 },
  { name: 'SDK v2', connect: connectV2 },
] as const

for (const { name, connect } of CLIENTS) {
  describe(name, () => {
    const open = async (server: string) =>
      connect(
        gateway.url(server),
        await gateway.token(server, { subject: `${name} agent`, groups: ['big'] }),
      )

    test(`${name} sees the tools, prompts and resources that policy allows and no others`, async () => {
      const client = await open('everything')
      const { tools } = await client.listTools()
      const { prompts } = await client.listPrompts()
      const { resources } = await client.listResources()
      assert.deepEqual(tools.map((tool) => tool.name).toSorted(), [
        'echo',
        'get-sum',
        'trigger-long-running-operation',
      ])
      assert.deepEqual(
        prompts.map((prompt) => prompt.name),
        ['simple-prompt'],
      )
      assert.deepEqual(
        resources.map(({ uri }) => uri),
        ['demo://resource/static/document/features.md'],
      )
      await client.close()
    })

    test(`${name} reads a denied call as an error soon, and the next call works`, async () => {
      const client = await open('everything')
      for (const tool of ['get-env', 'no-such-tool']) {
        const started = performance.now()
        await assert.rejects(client.callTool({ name: tool, arguments: {} }), {
          message: new RegExp(`Unknown tool: ${tool}`),
        })
        assert.ok(performance.now() - started < SOON_MS)
      }
      const result = await client.callTool({ name: 'echo', arguments: { message: 'still here' } })
      assert.match(JSON.stringify(result.content), /still here/)
      await client.close()
    })

    test(`${name} reads an allowed resource and prompt and no denied one`, async () => {
      const client = await open('everything')
      const read = await client.readResource({ uri: 'demo://resource/static/document/features.md' })
      assert.equal(read.contents.length, 1)
      const hidden = 'demo://resource/static/document/architecture.md'
      await assert.rejects(client.readResource({ uri: hidden }), { message: /not found/i })
      assert.ok((await client.getPrompt({ name: 'simple-prompt' })).messages.length > 0)
      await assert.rejects(client.getPrompt({ name: 'args-prompt', arguments: { city: 'Bern' } }), {
        message: /Unknown prompt/,
      })
      await client.close()
    })

    test(`${name} gets progress while the call runs, not after it`, async () => {
      const client = await open('everything')
      const started = performance.now()
      const heard: number[] = []
      await client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 1.5, steps: 3 } },
        ...(name === 'SDK v1' ? [undefined] : []),
        { onprogress: () => heard.push(performance.now() - started) },
      )
      const ended = performance.now() - started
      assert.ok(heard.length >= 2, `heard ${heard.length} notifications`)
      assert.ok((heard[0] ?? ended) < ended - 100, `first after ${heard[0]} of ${ended} ms`)
      await client.close()
    })

    test(`${name} gets 5 MiB results whole, as JSON and as an event`, async () => {
      const client = await open('recording')
      for (const tool of ['echo', 'read_file']) {
        const result = await client.callTool({ name: tool, arguments: {} })
        const [content] = result.content as [{ text: string }]
        assert.equal(content.text.length, BIG.length)
      }
      await client.close()
    })
  })
}

test('three hundred parallel calls of three clients each get their own answer', async () => {
  const clients = await Promise.all(
    ['a', 'b', 'c'].map(async (subject) =>
      connectV1(gateway.url('everything'), await gateway.token('everything', { subject })),
    ),
  )
  const calls = Array.from({ length: 300 }, async (_, at) => {
    const client = clients[at % clients.length]
    const result = await client?.callTool({ name: 'echo', arguments: { message: `call ${at}` } })
    return JSON.stringify(result?.content)
  })
  const answers = await Promise.all(calls)
  for (const [at, answer] of answers.entries()) assert.ok(answer.includes(`call ${at}"`), answer)
  for (const client of clients) await client.close()
})

test('a caller without any right on a server may not even connect, and the server sees nothing of it', async () => {
  const seen = recording.seen.length
  const token = await gateway.token('recording', { subject: 'outsider' })
  await assert.rejects(connectV1(gateway.url('recording'), token), { message: /Denied by policy/ })
  assert.equal(recording.seen.length, seen)
})

test('the audit log holds a decision and an outcome for every call', async () => {
  const records = await gateway.audit()
  const of = (type: string) => records.filter((record) => record['type'] === type)
  const decided = new Set(of('decision').map(({ id }) => id))
  const ended = new Set(of('outcome').map(({ id }) => id))
  assert.ok(decided.size > 300)
  assert.deepEqual(
    [...ended].filter((id) => !decided.has(id)),
    [],
  )
  assert.equal(gateway.child.output().includes('"fault"'), false)
})
