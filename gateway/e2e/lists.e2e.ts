/** Every list, page by page, as JSON and as an event: what policy hides is on none (X-07 of the threat model). */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { messagesIn } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { modern, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

/** Pages of three: the first and the last hide one entry, the second shows none at all. */
const PAGES = [
  ['pub-1', 'priv-1', 'pub-2'],
  ['priv-2', 'priv-3', 'priv-4'],
  ['priv-5', 'pub-3', 'pub-4'],
] as const

const SHOWN = ['pub-1', 'pub-2', 'pub-3', 'pub-4']

const LISTS = [
  { method: 'tools/list', key: 'tools', entry: (name: string) => ({ name, inputSchema: {} }) },
  { method: 'prompts/list', key: 'prompts', entry: (name: string) => ({ name }) },
  {
    method: 'resources/list',
    key: 'resources',
    entry: (name: string) => ({ name, uri: `file:///${name.replace('-', '/')}` }),
  },
  {
    method: 'resources/templates/list',
    key: 'resourceTemplates',
    entry: (name: string) => ({ name, uriTemplate: `file:///${name.replace('-', '/')}/{x}` }),
  },
] as const

let server: RecordingServer
let gateway: TestGatehouse
let token: string
let as: 'json' | 'events' = 'json'

before(async () => {
  server = await startRecordingServer(answerPage)
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [
      {
        id: 'public',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['docs/pub-*'],
        prompts: ['docs/pub-*'],
        resources: ['docs:file:///pub/**'],
      },
    ],
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

function answerPage({ json }: Seen, response: ServerResponse): boolean {
  const list = LISTS.find(({ method }) => method === json?.method)
  if (list === undefined) return false
  const page = Number(json?.params?.['cursor'] ?? 0)
  const result = {
    // The cursor comes before the list and after it: neither may depend on the other.
    ...(page === 0 && { nextCursor: '1' }),
    [list.key]: (PAGES[page] ?? []).map(list.entry),
    ...(page === 1 && { nextCursor: '2' }),
    ttlMs: 1_000,
    cacheScope: 'public',
  }
  const message = { jsonrpc: '2.0', id: json?.id, result }
  if (as === 'json') sendJson(response, message)
  else sendEvents(response, [message])
  return true
}

/** The names on all pages, read as a client does, and how many pages there were. */
async function readAll(method: string, key: string, era: 'legacy' | 'modern') {
  const names: string[] = []
  let pages = 0
  let cursor: string | undefined
  do {
    const params = cursor === undefined ? {} : { cursor }
    const { body, headers } =
      era === 'modern' ? modern(method, params) : { body: request(method, params), headers: {} }
    const { json, text } = await post(gateway.url('docs'), body, { token, headers })
    const result = (json ?? messagesIn(text)[0])?.result as Readonly<Record<string, unknown>>
    assert.doesNotMatch(text, /priv[-/]/)
    assert.equal(result['cacheScope'], 'private')
    names.push(...(result[key] as readonly { name: string }[]).map(({ name }) => name))
    cursor = result['nextCursor'] as string | undefined
    pages += 1
  } while (cursor !== undefined)
  return { names, pages }
}

for (const { method, key } of LISTS) {
  for (const form of ['json', 'events'] as const) {
    test(`X-07 every page of ${method} as ${form} shows what policy shows, and cursors lead on past empty ones`, async () => {
      as = form
      for (const era of ['legacy', 'modern'] as const) {
        assert.deepEqual(await readAll(method, key, era), { names: SHOWN, pages: 3 })
      }
    })
  }
}
