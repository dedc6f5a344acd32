/**
 * Configuration and policies change while calls run: nobody notices but those whose rights changed,
 * and what is not valid changes nothing.
 */
import assert from 'node:assert/strict'
import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, policyText, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { stopAll } from '../testkit/stop-all.ts'

const RELOADS = 20
const WORKERS = 12

/** What a `slow` call takes at the server. */
const SLOW_MS = 500

/** Long enough for a watcher that loops to show it, in milliseconds. */
const QUIET_MS = 450

const ALLOW_ALL = [allowAll('docs')]
const DENY = { id: 'no-echo', effect: 'deny', subjects: [{ any: true }], tools: ['docs/echo'] }

let server: RecordingServer
let gateway: TestGatehouse
let token: string

before(async () => {
  server = await startRecordingServer(slowOrEndless)
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: ALLOW_ALL,
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

// Each begins with a valid policy that allows everything, and with it in force.
beforeEach(async () => {
  await gateway.writePolicy(ALLOW_ALL)
  assert.equal((await gateway.admin('POST', '/admin/reload')).json['ok'], true)
})

/** `slow` answers after a while, `endless` streams until its reader is gone. */
function slowOrEndless({ json }: Seen, response: ServerResponse): boolean {
  const name = json?.params?.['name']
  if (name === 'slow') {
    setTimeout(() => sendJson(response, { jsonrpc: '2.0', id: json?.id, result: {} }), SLOW_MS)
  } else if (name === 'endless') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const feed = setInterval(() => response.write(': still here\n\n'), 20)
    response.on('close', () => clearInterval(feed))
  }
  return name === 'slow' || name === 'endless'
}

const call = (tool: string): Promise<Reply> => post(gateway.url('docs'), callTool(tool), { token })

const isServed = ({ status, json }: Reply): boolean => status === 200 && json?.result !== undefined

async function reloads(result: 'ok' | 'failed'): Promise<number> {
  const pattern = new RegExp(`^gatehouse_reloads_total\\{result="${result}"\\} (\\d+)$`, 'm')
  return Number(pattern.exec(await gateway.metrics())?.[1] ?? '0')
}

/** How often the log said that a new configuration was refused. */
const toldRefused = (): number =>
  gateway.child.output().match(/the new configuration is not valid/g)?.length ?? 0

const WAYS: readonly ((round: number) => Promise<unknown>)[] = [
  async () => gateway.child.signal('SIGHUP'),
  (round) => gateway.writePolicy([{ ...allowAll('docs'), id: `round-${round}` }]),
  () => gateway.admin('POST', '/admin/reload'),
]

test(`${RELOADS} reloads under load, by signal, file and command, fail no call and end no stream`, async (t) => {
  const load = new AbortController()
  t.after(() => load.abort())
  const failed: string[] = []
  let served = 0
  const work = async (tool: string): Promise<void> => {
    while (!load.signal.aborted) {
      const reply = await call(tool).catch(String)
      if (typeof reply !== 'string' && isServed(reply)) served += 1
      else failed.push(typeof reply === 'string' ? reply : reply.text)
    }
  }
  const workers = Array.from({ length: WORKERS }, (_, at) => work(at % 3 === 0 ? 'slow' : 'echo'))
  const stream = await fetch(gateway.url('docs'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(callTool('endless')),
    signal: t.signal,
  })
  for (let round = 0; round < RELOADS; round++) {
    const before = await reloads('ok')
    await WAYS[round % WAYS.length]?.(round)
    await eventually(async () => assert.ok((await reloads('ok')) > before))
  }
  await eventually(() => assert.ok(served > RELOADS * WORKERS, `only ${served} calls`))
  load.abort()
  await Promise.all(workers)
  assert.deepEqual(failed, [])
  assert.equal(await reloads('failed'), 0)
  // The stream is of the first generation and still flows.
  const reader = stream.body!.getReader()
  for (let at = 0; at < 5; at++) assert.equal((await reader.read()).done, false)
  await reader.cancel()
})

test('a call that runs keeps the policy it was judged by, the next one has the new one', async () => {
  const running = call('slow')
  await eventually(() =>
    assert.equal(server.calls('tools/call').at(-1)?.json?.params?.['name'], 'slow'),
  )
  await gateway.writePolicy([])
  await eventually(async () => assert.equal(isServed(await call('echo')), false))
  const seen = server.seen.length
  assert.equal(isServed(await call('echo')), false)
  assert.equal(server.seen.length, seen)
  assert.ok(isServed(await running))
})

test('a new deny rule and its end are in force without a word to the process', async () => {
  assert.ok(isServed(await call('echo')))
  await gateway.writePolicy([...ALLOW_ALL, DENY])
  await eventually(async () => assert.equal((await call('echo')).json?.error?.code, -32602))
  assert.ok(isServed(await call('read_file')))
  await gateway.writePolicy(ALLOW_ALL)
  await eventually(async () => assert.ok(isServed(await call('echo'))))
})

test('a policy that is renamed into its place, or linked there, is noticed', async () => {
  const next = join(gateway.directory, 'next.yaml')
  await writeFile(next, policyText([DENY]))
  await rename(next, gateway.policyFile)
  await eventually(async () => assert.equal(isServed(await call('echo')), false))
  await writeFile(next, policyText(ALLOW_ALL))
  await rm(gateway.policyFile)
  await symlink(next, gateway.policyFile)
  await eventually(async () => assert.ok(isServed(await call('echo'))))
  await rm(gateway.policyFile)
})

type Broken = {
  readonly what: string
  readonly file: 'configFile' | 'policyFile'
  readonly text: string
  readonly place: RegExp
}

const BROKEN: readonly Broken[] = [
  {
    what: 'half of a policy',
    file: 'policyFile',
    text: '{"version": 1, "rules": [{"id": "x"',
    place: /policy\.yaml:1:\d+ /,
  },
  { what: 'an empty policy', file: 'policyFile', text: '', place: /policy\.yaml:1:1 / },
  {
    what: 'a policy with an unknown key',
    file: 'policyFile',
    text: 'version: 1\nrules:\n  - id: x\n    effekt: allow\n',
    place: /policy\.yaml:4:5 /,
  },
  {
    what: 'half of a configuration',
    file: 'configFile',
    text: 'version: 1\npublic_url: [',
    place: /gatehouse\.yaml:\d+:\d+ /,
  },
]

for (const { what, file, text, place } of BROKEN) {
  test(`${what} changes nothing, and is told once, by line, in log, metric and /readyz`, async () => {
    const [told, failed] = [toldRefused(), await reloads('failed')]
    await writeFile(gateway[file], text)
    await eventually(async () => assert.ok((await reloads('failed')) > failed))
    await pause(QUIET_MS)
    assert.equal(toldRefused(), told + 1)
    assert.equal(await reloads('failed'), failed + 1)
    assert.match(gateway.child.output().split('is not valid').at(-1)!, place)
    const { status, json } = await gateway.ready()
    assert.equal(status, 200)
    const { config } = json['checks'] as { config: { state: string; detail: string } }
    assert.equal(config.state, 'warn')
    assert.match(config.detail, place)
    assert.ok(isServed(await call('echo')))

    // Mended, it is taken up by itself.
    await gateway.writeConfig({})
    await gateway.writePolicy([...ALLOW_ALL, DENY])
    await eventually(async () => assert.equal(isServed(await call('echo')), false))
    const { checks } = (await gateway.ready()).json as { checks: { config: { state: string } } }
    assert.equal(checks.config.state, 'ok')
  })
}

test('whoever asks for a reload is told why there is none, by the API and by the command', async () => {
  await writeFile(gateway.policyFile, 'version: 1\nrules: 7\n')
  const asked = await gateway.admin('POST', '/admin/reload')
  assert.equal(asked.status, 422)
  assert.match(JSON.stringify(asked.json), /policy\.yaml:2:8 /)
  const env = { GATEHOUSE_OPS_URL: gateway.ops, GATEHOUSE_ADMIN_TOKEN: gateway.adminToken }
  const { code, out, err } = await runCli(['reload'], { env })
  assert.equal(code, 1, out)
  assert.match(err, /policy\.yaml:2:8 /)
  await gateway.writePolicy(ALLOW_ALL)
  assert.equal((await runCli(['reload'], { env })).code, 0)
})

test('what only a restart can change is named, and the rest is in force', async () => {
  await gateway.writePolicy([...ALLOW_ALL, DENY])
  await gateway.writeConfig({ listen: { port: 1, max_connections: 7 } })
  await gateway.child.waitFor(/"needsRestart":"listen\.port, listen\.max_connections"/)
  assert.equal((await call('echo')).json?.error?.code, -32602)
})

test('no fault was logged', () => {
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})
