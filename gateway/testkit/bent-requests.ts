/** Bent requests for a running gateway with one server, `docs`, and what they must not get past. */
import * as fc from 'fast-check'

import { mutate, mutation } from './http-mutations.ts'
import type { RawClient } from './raw-client.ts'
import { upgradeTo } from './raw-client.ts'
import { callTool, modern, request } from './rpc.ts'

/** What the gateway allows. */
export const BENT_RULES = [
  {
    id: 'some',
    effect: 'allow',
    subjects: [{ any: true }],
    tools: ['docs/echo'],
    resources: ['docs:file:///pub/**'],
  },
]

/** Every request counts for an address of its own, so that bent tokens do not close the gate for all. */
export const BENT_CONFIG = { trusted_proxies: ['127.0.0.1'] }

const oneCase = fc.record({
  seed: fc.nat({ max: 65_535 }),
  changes: fc.array(mutation, { minLength: 1, maxLength: 4 }),
})

/** The bytes of so many, as latin1 text. */
export function bentRequests(
  client: RawClient,
  { count, seed }: { readonly count: number; readonly seed: number },
): readonly string[] {
  const requests = straight(client)
  return fc.sample(oneCase, { numRuns: count, seed }).map(({ seed: from, changes }, at) => {
    const start = requests[from % requests.length] ?? ''
    const bent = changes.reduce((text, change) => mutate(text, change, requests), start)
    return bent.replace('\r\n', `\r\nX-Forwarded-For: ${addressOf(at)}\r\n`)
  })
}

/** Good and denied requests; all of them are read correctly by everybody. */
function straight(client: RawClient): readonly string[] {
  const json = (body: unknown): string => JSON.stringify(body)
  const mirrored = (method: string, params: Readonly<Record<string, unknown>>): string => {
    const { body, headers } = modern(method, params)
    return client.text({ body: json(body), more: Object.entries(headers) })
  }
  const bodies = [
    callTool('echo', { text: 'a'.repeat(40) }),
    callTool('delete_all'),
    request('tools/list'),
    request('resources/read', { uri: 'file:///pub/a' }),
    request('resources/read', { uri: 'file:///priv/b' }),
    request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ]
  return [
    ...bodies.map((body) => client.text({ body: json(body) })),
    mirrored('tools/call', { name: 'echo', arguments: {} }),
    mirrored('tools/call', { name: 'delete_all', arguments: {} }),
    mirrored('resources/read', { uri: 'file:///pub/a' }),
    client.text({ method: 'GET', body: '', more: [['Mcp-Session-Id', 'abc']] }),
    client.text({ method: 'DELETE', body: '', more: [['Mcp-Session-Id', 'abc']] }),
    client.text({ method: 'OPTIONS', body: '', bearer: 'none' }),
    client.text({ bearer: 'none', body: json(callTool('echo')) }),
    client.text({ ...upgradeTo('websocket') }),
  ]
}

function addressOf(at: number): string {
  return `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`
}

/** Does the work for each of them, so many at a time. */
export async function inParallel<In, Out>(
  items: readonly In[],
  width: number,
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
