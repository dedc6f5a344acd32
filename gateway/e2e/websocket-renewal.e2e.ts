/** A WebSocket ends with its token, unless its client shows a fresh one on it in time. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse, TokenOptions } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import { callTool, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { openWs } from '../testkit/ws-client.ts'
import type { WsServer } from '../testkit/ws-server.ts'
import { startWsServer } from '../testkit/ws-server.ts'

let server: WsServer
let gateway: TestGatehouse

before(async () => {
  server = await startWsServer()
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [allowAll('docs')],
  })
})

after(() => stopAll(gateway, server))

async function bearer(options: TokenOptions = {}): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await gateway.token('docs', options)}` }
}

/** With two or three seconds left: the leeway of 30 s is for clocks. */
async function almostExpired(): Promise<Record<string, string>> {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  return await bearer({ claims: { iat: nowSeconds - 60, exp: nowSeconds - 27 } })
}

async function ticketFor(options: TokenOptions = {}): Promise<string> {
  const headers = await bearer(options)
  const response = await fetch(`${gateway.url('docs')}/ws-ticket`, { method: 'POST', headers })
  return ((await response.json()) as { readonly ticket: string }).ticket
}

const renewal = (ticket: unknown, id: number): unknown => request('gatehouse/renew', { ticket }, id)

// Each waits for a token of its own to end.
describe('the end of a token', { concurrency: true }, () => {
  test('a fresh token of the same caller, by a ticket on the connection, keeps it open', async () => {
    const [ws, other] = [
      await openWs(gateway.url('docs'), { headers: await almostExpired() }),
      await openWs(gateway.url('docs'), { headers: await almostExpired() }),
    ]
    const ticket = await ticketFor()
    ws.send(renewal(ticket, 1))
    assert.deepEqual(await ws.answer(1), { jsonrpc: '2.0', id: 1, result: {} })
    const codeOf = async (id: number): Promise<unknown> =>
      ((await other.answer(id))['error'] as { readonly code: number } | undefined)?.code
    // Used before, of somebody else, and nothing at all.
    for (const [at, wrong] of [ticket, await ticketFor({ subject: 'mallory' }), 7].entries()) {
      other.send(renewal(wrong, at))
      assert.equal(await codeOf(at), 1000)
    }
    assert.equal((await other.closed).code, 4401)
    ws.send(callTool('echo', {}, 2))
    assert.ok('result' in (await ws.answer(2)))
    assert.ok(server.seen.every((message) => !message.includes('gatehouse/renew')))
    ws.socket.close()
    await eventually(async () => {
      const [call] = (await gateway.audit()).filter(({ method }) => method === 'tools/call')
      assert.match(JSON.stringify(call ?? ''), /"subject":"agent-1"/)
    })
  })

  test('a connection of a silent client ends with 4401 when its token does', async () => {
    const ws = await openWs(gateway.url('docs'), { headers: await almostExpired() })
    assert.equal(ws.status, 101)
    assert.equal((await ws.closed).code, 4401)
  })

  test('a call that runs when the token ends is answered; new ones are refused', async () => {
    const ws = await openWs(gateway.url('docs'), { headers: await almostExpired() })
    ws.send(callTool('slow', {}, 3))
    let id = 3
    await eventually(async () => {
      id += 1
      ws.send(callTool('echo', {}, id))
      const { error } = (await ws.answer(id)) as { readonly error?: { readonly code: number } }
      assert.equal(error?.code, 1000)
    })
    server.answerSlow()
    assert.ok('result' in (await ws.answer(3)))
    assert.equal((await ws.closed).code, 4401)
  })
})
