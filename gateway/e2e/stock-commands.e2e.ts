/**
 * `mcp-remote` and the MCP Inspector, unmodified and without any configuration, from no credentials to a tool
 * call: in a browser, with a code typed elsewhere, and as a program of its own.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { typeDeviceCode } from '../testkit/device-code.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import {
  allowAt,
  INSPECTOR_ASKS,
  openRemote,
  REMOTE_ASKS,
  startInspector,
} from '../testkit/stock-commands.ts'
import { stopAll } from '../testkit/stop-all.ts'

const SECRET = 'a-secret-of-the-nightly-job-2026'

let upstream: RecordingServer
let gateway: TestGatehouse
let homes: string

before(async () => {
  homes = await mkdtemp(join(tmpdir(), 'gatehouse-commands-'))
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url, code: upstream.url },
    rules: [
      { id: 'echo', effect: 'allow', subjects: [{ scopes: ['docs:read'] }], tools: ['docs/echo'] },
      { id: 'code', effect: 'allow', subjects: [{ any: true }], tools: ['code/echo'] },
    ],
    section: {
      registration: { per_minute: 100 },
      clients: {
        nightly: {
          kind: 'service',
          grants: ['client_credentials'],
          secret: '${env:NIGHTLY}',
          scopes: ['docs:read'],
        },
      },
    },
    env: { NIGHTLY: SECRET },
  })
})

after(async () => {
  await stopAll(gateway, upstream)
  await rm(homes, { recursive: true, force: true })
})

const tokensFor = async (kind: string, grant: string): Promise<number> => {
  const name = `gatehouse_tokens_issued_total{kind="${kind}",grant_type="${grant}"} `
  const line = (await gateway.metrics()).split('\n').find((one) => one.startsWith(name))
  return Number(line?.slice(name.length) ?? 0)
}

const nobody = async (): Promise<void> => undefined

// The device waits for five seconds between its questions; the others need not.
describe('stock commands', { concurrency: 2 }, () => {
  test('mcp-remote registers, sends its person to sign in and calls a tool; later it asks nobody', async () => {
    const options = { url: gateway.url('docs'), home: join(homes, 'remote') }
    const first = await openRemote(options, async (hear) => allowAt(await hear(REMOTE_ASKS)))
    assert.ok((await first.client.callTool({ name: 'echo' })).content)
    const { tools } = await first.client.listTools()
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['echo'],
    )
    await first.close()
    const later = await openRemote(options, nobody)
    assert.ok((await later.client.callTool({ name: 'echo' })).content)
    assert.doesNotMatch(later.said(), REMOTE_ASKS)
    await later.close()
  })

  test('mcp-remote gets to a server without scopes, too', async () => {
    const options = { url: gateway.url('code'), home: join(homes, 'no-scopes') }
    const remote = await openRemote(options, async (hear) => allowAt(await hear(REMOTE_ASKS)))
    assert.ok((await remote.client.callTool({ name: 'echo' })).content)
    await remote.close()
  })

  test('mcp-remote without a browser shows a code, and goes on once a person has typed it elsewhere', async () => {
    const options = {
      url: gateway.url('docs'),
      home: join(homes, 'device'),
      args: ['--device-code'],
    }
    const remote = await openRemote(options, async (hear) => {
      const page = await hear(/visit:\s+\[\d+\]\s+(http\S+)/)
      await typeDeviceCode(page, await hear(/enter the code: (\S+)/))
    })
    assert.ok((await remote.client.callTool({ name: 'echo' })).content)
    await remote.close()
    assert.equal(await tokensFor('agent', 'device'), 1)
  })

  test('mcp-remote as a program of its own needs no person', async () => {
    const info = { client_id: 'nightly', client_secret: SECRET }
    const args = ['--client-credentials', '--static-oauth-client-info', JSON.stringify(info)]
    const options = { url: gateway.url('docs'), home: join(homes, 'program'), args }
    const remote = await openRemote(options, nobody)
    assert.ok((await remote.client.callTool({ name: 'echo' })).content)
    await remote.close()
    assert.equal(await tokensFor('service', 'client_credentials'), 1)
  })

  test('The Inspector registers, sends its person to sign in and calls a tool; later it asks nobody', async () => {
    const options = { url: gateway.url('docs'), home: join(homes, 'inspector') }
    const first = await startInspector(options)
    const [, page = ''] = await first.waitFor(INSPECTOR_ASKS)
    await allowAt(page)
    assert.equal(await first.exited, 0, first.output())
    assert.match(first.output(), /called echo/)
    const later = await startInspector({ ...options, args: ['--stored-auth-only'] })
    assert.equal(await later.exited, 0, later.output())
    assert.match(later.output(), /called echo/)
  })
})
