import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import type { GatehouseEvent } from '../model/event.ts'
import type { Loaded } from './load-all.ts'
import { loadAll } from './load-all.ts'
import type { Log } from './log.ts'
import { createReloader } from './reload.ts'
import { createUnlistedTools } from './unlisted-tools.ts'

type Files = Readonly<Record<string, string>>
type Logged = { readonly level: string; readonly message: string; readonly facts: unknown }

const POLICY = 'version: 1\nrules: []\n'

const CONFIG = `version: 1
public_url: http://127.0.0.1:8787
servers:
  docs:
    upstream: http://127.0.0.1:3001/mcp
policies: [policy.yaml]
`
/** A gateway that began with these files, as far as reloading goes. */
async function begin(t: TestContext, files: Files = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-reload-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const write = async (changed: Files): Promise<void> => {
    for (const [name, text] of Object.entries(changed)) await writeFile(join(directory, name), text)
  }
  await write({ 'gatehouse.yaml': CONFIG, 'policy.yaml': POLICY, ...files })
  const source = { file: join(directory, 'gatehouse.yaml'), env: {} }
  const started = await loadAll(source)
  assert.ok(started.ok)
  let current = started.settings
  const watched: Pick<Extract<Loaded, { ok: false }>, 'files' | 'digests'>[] = []
  const logged: Logged[] = []
  const events: GatehouseEvent[] = []
  const log: Log = (level, message, facts = {}) => logged.push({ level, message, facts })
  let refusal: string | undefined
  const listed: string[] = []
  const reloader = createReloader({
    source,
    started: started.settings,
    current: () => current,
    adopt: async ({ settings }) => {
      if (refusal !== undefined) throw new Error(refusal)
      current = settings
    },
    alsoWatch: (refused) => watched.push(refused),
    unlisted: createUnlistedTools({ names: () => listed }),
    plant: { now: () => 0, emit: (event) => events.push(event) },
    log,
  })
  return {
    path: (name: string) => join(directory, name),
    write,
    reloader,
    listed,
    watched,
    logged,
    events,
    refuseWith: (message: string) => (refusal = message),
  }
}

test('what is watched after a refusal is what was refused, not what still runs', async (t) => {
  const wrong: readonly Files[] = [
    { 'gatehouse.yaml': 'version: [' },
    { 'gatehouse.yaml': `${CONFIG}colour: blue\n` },
    { 'gatehouse.yaml': CONFIG, 'policy.yaml': 'version: 1\nrules: 7\n' },
  ]
  const { write, reloader, watched, path } = await begin(t)
  for (const files of wrong) {
    await write(files)
    assert.equal((await reloader.reload()).ok, false)
    const { digests } = watched.at(-1)!
    for (const [name, text] of Object.entries(files)) {
      assert.equal(digests.get(path(name)), hash('sha256', text, 'hex'))
    }
  }
})

test('a configuration that cannot be put to work is watched like one that is not valid', async (t) => {
  const { write, reloader, watched, path, refuseWith } = await begin(t)
  const text = `${CONFIG}allowed_origins: []\n`
  await write({ 'gatehouse.yaml': text })
  refuseWith('no')
  assert.equal((await reloader.reload()).ok, false)
  assert.equal(watched.at(-1)?.digests.get(path('gatehouse.yaml')), hash('sha256', text, 'hex'))
})

test('what waits for a restart is named to whoever asked, and in the log', async (t) => {
  const { write, reloader, logged } = await begin(t)
  await write({ 'gatehouse.yaml': `${CONFIG}listen: { port: 9000 }\nstate: { driver: memory }\n` })
  const { notices } = await reloader.reload()
  assert.deepEqual(notices.slice(-2), [
    'listen.port has changed: it stays as it was until a restart',
    'state has changed: it stays as it was until a restart',
  ])
  assert.ok(notices.slice(0, -2).every((notice) => !notice.includes('restart')))
  assert.match(inspect(logged), /configuration reloaded.*needsRestart: 'listen\.port, state'/s)
})

test('the key ring is read again, and whoever asked is told by name which key seals', async (t) => {
  const [one, two] = ['k1', 'k2'].map((id) => `${id}:${randomBytes(32).toString('base64url')}`)
  const config = `${CONFIG}keys: { file: ring }\n`
  const { write, reloader, logged } = await begin(t, { 'gatehouse.yaml': config, ring: `${one}\n` })
  const steps = [
    [`${one}\n${two}`, 'the key ring has changed: k1 seals, also opens k2'],
    [`${two},${one}`, 'the key ring has changed: k2 seals, also opens k1'],
    [`${two}`, 'the key ring has changed: k2 seals, no other opens'],
  ] as const
  const told = async (): Promise<readonly string[]> =>
    (await reloader.reload()).notices.filter((notice) => notice.includes('key ring'))
  for (const [ring, notice] of steps) {
    await write({ ring })
    assert.deepEqual(await told(), [notice])
    assert.equal(logged.at(-1)?.message, notice)
    assert.deepEqual(await told(), [])
  }
  await write({ ring: 'k2:short' })
  assert.equal((await reloader.reload()).ok, false)
  await write({ 'gatehouse.yaml': CONFIG })
  assert.deepEqual(await told(), ['the key ring is gone: sessions end when the gateway does'])
})

test('a server that moves because another came is warned of, once and nowhere else', async (t) => {
  const { write, reloader, logged } = await begin(t)
  const second = '  files:\n    upstream: http://127.0.0.1:3002/mcp\npolicies:'
  await write({ 'gatehouse.yaml': CONFIG.replace('policies:', second) })
  const moved =
    'server docs has moved from http://127.0.0.1:8787/mcp to http://127.0.0.1:8787/mcp/docs; ' +
    '"path: /mcp" would keep it'
  const { notices } = await reloader.reload()
  assert.ok(notices.includes(moved))
  assert.ok(logged.some(({ level, message }) => level === 'warn' && message === moved))
  assert.ok(!(await reloader.reload()).notices.includes(moved))
})

test('a server that moves with its whole gateway is warned of, without advice', async (t) => {
  const { write, reloader } = await begin(t)
  await write({ 'gatehouse.yaml': CONFIG.replace('http://127.0.0.1:8787', 'https://gate.example') })
  const { notices } = await reloader.reload()
  const moved = 'from http://127.0.0.1:8787/mcp to https://gate.example/mcp'
  assert.ok(notices.includes(`server docs has moved ${moved}`))
})

test('a rule that names a tool which no list has shown is told when it is taken', async (t) => {
  const { reloader, write, listed, logged } = await begin(t)
  const rule = '{ id: r, effect: allow, subjects: [{ any: true }], tools: [docs/raed] }'
  const policy = `version: 1\nrules:\n  - ${rule}\n`
  // As long as nobody has listed anything, nothing is known.
  await write({ 'policy.yaml': policy })
  assert.doesNotMatch((await reloader.reload()).notices.join('\n'), /raed/)
  listed.push('read')
  await write({ 'policy.yaml': `${policy}# changed\n` })
  const { ok, notices } = await reloader.reload()
  assert.equal(ok, true)
  const said =
    /policy\.yaml:3:\d+ the rule "r" names the tool "raed", which no list of "docs" has shown$/
  assert.match(notices.join('\n'), said)
  assert.ok(logged.some(({ level, message }) => level === 'warn' && said.test(message)))
})
