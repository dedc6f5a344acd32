import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import { testServer } from '../testkit/pipeline.ts'
import type { Answer } from '../upstream/answer.ts'
import type { Conversations } from '../upstream/conversations.ts'
import { createServerEras } from './server-eras.ts'

/** What a server says to every question; undefined: nothing, for the reason given. */
type Manner = { status: number; text: string } | undefined

/** Warnings while a server is asked as often as told, one manner after the other. */
async function warningsFor(manners: readonly Manner[]): Promise<readonly string[]> {
  const events: GatehouseEvent[] = []
  const refusal = new Refusal('upstream_unavailable', { detail: 'ECONNREFUSED' })
  let manner: Manner
  const send = () => {
    if (manner === undefined) return { answer: Promise.reject(refusal) }
    const bytes = Buffer.from(manner.text)
    const body = { kind: 'whole', bytes } as const
    return { answer: Promise.resolve({ status: manner.status, body } as unknown as Answer) }
  }
  const plant = { emit: (event: GatehouseEvent) => void events.push(event), tick: () => 0 }
  ;[manner] = manners
  const eras = createServerEras({
    servers: [testServer()],
    conversations: { send } as unknown as Conversations,
    plant,
    previous: undefined,
  })
  for (const [round, next] of manners.entries()) {
    manner = next
    eras.look(round * 3_600_000)
    await new Promise(setImmediate)
  }
  return events.flatMap((event) => (event.type === 'warning' ? [event.detail] : []))
}

const MCP = {
  status: 200,
  text: '{"jsonrpc":"2.0","id":"gatehouse-probe","error":{"code":-32601,"message":"no"}}',
}
const WHERE = `${testServer().name}: ${testServer().upstream.origin}${testServer().upstream.path}`

test('a server that does not answer is warned of once, with the reason', async () => {
  assert.deepEqual(await warningsFor([undefined, undefined, undefined]), [
    `${WHERE} does not answer: ECONNREFUSED; it is asked again`,
  ])
})

test('a server at another path, or that wants a credential, is warned of with what to look at', async () => {
  const [wrong] = await warningsFor([{ status: 404, text: 'Cannot POST /' }])
  assert.match(wrong ?? '', /answers with status 404, and nothing of MCP: look at the path/)
  const [closed] = await warningsFor([{ status: 401, text: '' }])
  assert.match(closed ?? '', /status 401, and nothing of MCP: it wants a credential/)
})

test('a server that is understood is not warned of, not even by what was said before', async () => {
  assert.deepEqual(await warningsFor([MCP]), [])
  assert.equal((await warningsFor([undefined, MCP, MCP])).length, 1)
})
