/** The command as an operator runs it, as a process: what it prints, where, and its exit code. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { startChild, NODE, ROOT } from '../testkit/child.ts'
import { freePort } from '../testkit/free-port.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'

const SECRET = randomBytes(32).toString('base64url')
const POLICY = `version: 1
rules:
  - id: read
    effect: allow
    subjects: [{ kind: agent }]
    tools: [docs/read_*]
`

let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-cli-'))
})

after(async () => {
  await rm(directory, { recursive: true, force: true })
})

function configText(ports: { readonly port: number; readonly ops: number }): string {
  return `version: 1
public_url: http://127.0.0.1:${ports.port}
listen: { port: ${ports.port} }
ops: { port: ${ports.ops} }
state: { driver: memory }
audit: { sink: audit.jsonl }
issuers:
  - { issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }
servers:
  docs:
    upstream: http://127.0.0.1:9/mcp
    credential: { value: 'Bearer \${env:DOCS_TOKEN}' }
policies: [policy.yaml]
`
}

type Row = {
  readonly what: string
  /** Text that stands in one of the files once, and what it becomes. */
  readonly change: readonly [from: string, to: string]
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The place, to the column, and a word of what is wrong. */
  readonly says: RegExp
  /** Tried with `serve`, which begins with the same. */
  readonly served?: true
}

const WRONG: readonly Row[] = [
  {
    what: 'YAML that ends within a list',
    change: ['policies: [policy.yaml]', 'policies: [policy.yaml'],
    says: /^DIR\/gatehouse\.yaml:1[34]:\d+ /m,
    served: true,
  },
  {
    what: 'YAML with a tab',
    change: ['  docs:', '\tdocs:'],
    says: /^DIR\/gatehouse\.yaml:10:1 /m,
  },
  {
    what: 'a key twice',
    change: ['version: 1\npublic', 'version: 1\nversion: 1\npublic'],
    says: /^DIR\/gatehouse\.yaml:2:1 .*twice|^DIR\/gatehouse\.yaml:2:1 .*version/m,
  },
  {
    what: 'an unknown key',
    change: ['    upstream:', '    upstraem:'],
    says: /^DIR\/gatehouse\.yaml:11:5 .*"upstraem".*"upstream"/m,
    served: true,
  },
  {
    what: 'a value of another type',
    change: ['version: 1\npublic', 'version: one\npublic'],
    says: /^DIR\/gatehouse\.yaml:1:10 version/m,
  },
  {
    what: 'a variable that is missing',
    change: ['DOCS_TOKEN', 'ABSENT_TOKEN'],
    says: /^DIR\/gatehouse\.yaml:12:26 .*ABSENT_TOKEN/m,
    served: true,
  },
  {
    what: 'a variable that is empty',
    change: ['DOCS_TOKEN', 'EMPTY_TOKEN'],
    env: { EMPTY_TOKEN: '' },
    says: /^DIR\/gatehouse\.yaml:12:26 .*EMPTY_TOKEN/m,
  },
  {
    what: 'a policy file that is not there',
    change: ['[policy.yaml]', '[absent.yaml]'],
    says: /^DIR\/gatehouse\.yaml:13:12 .*absent\.yaml/m,
  },
  {
    what: 'a glob of policy files that is none',
    change: ['[policy.yaml]', "['[pol*.yaml']"],
    says: /^DIR\/gatehouse\.yaml:13:12 /m,
  },
  {
    what: 'a bad glob in a rule',
    change: ['docs/read_*', "'docs/{read,list}_*'"],
    says: /^DIR\/policy\.yaml:6:13 /m,
    served: true,
  },
  {
    what: 'an unknown key in a rule',
    change: ['    effect:', '    efect:'],
    says: /^DIR\/policy\.yaml:4:5 .*"efect".*"effect"/m,
  },
  {
    what: 'a rule for a server that is not configured',
    change: ['docs/read_*', 'dosc/read_*'],
    says: /^DIR\/policy\.yaml:6:13 .*dosc/m,
  },
]

describe('a configuration with', { concurrency: 2 }, () => {
  for (const [at, { what, change, env, says, served }] of WRONG.entries()) {
    test(`${what} is refused with its place, and nothing is begun`, async () => {
      const place = join(directory, `wrong-${at}`)
      const ports = { port: await freePort(), ops: await freePort() }
      const files = { 'gatehouse.yaml': configText(ports), 'policy.yaml': POLICY }
      await mkdir(place)
      let changed = 0
      for (const [name, text] of Object.entries(files)) {
        changed += text.split(change[0]).length - 1
        await writeFile(
          join(place, name),
          text.replace(change[0], () => change[1]),
        )
      }
      assert.equal(changed, 1, 'the row changes one thing')
      for (const verb of served ? ['serve'] : ['check']) {
        const args = [verb, '-c', join(place, 'gatehouse.yaml')]
        const ran = await runCli(args, { env: { DOCS_TOKEN: SECRET, ...env } })
        assert.deepEqual([ran.code, ran.out], [1, ''], ran.err)
        assert.match(ran.err.replaceAll(place, 'DIR'), says)
        assert.ok(!ran.err.includes(SECRET))
      }
      // Not even the audit log was begun.
      await assert.rejects(readFile(join(place, 'audit.jsonl')), { code: 'ENOENT' })
    })
  }
})

test('serve that refuses has no port open at any moment', async () => {
  const ports = { port: await freePort(), ops: await freePort() }
  const file = join(directory, 'refused.yaml')
  await writeFile(file, configText(ports).replace('version: 1', 'version: 7'))
  const main = join(ROOT, 'gateway/cli/main.ts')
  const child = startChild({ command: NODE, args: [main, 'serve', '-c', file] })
  const end = new AbortController()
  const exit = child.exited.finally(() => end.abort())
  const opened: number[] = []
  while (!end.signal.aborted) {
    for (const port of Object.values(ports)) if (await isOpen(port)) opened.push(port)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.equal(await exit, 1)
  assert.deepEqual(opened, [])
})

test('serve on a port that is taken exits with 1 and says so', async () => {
  const taken = await startRecordingServer()
  const port = Number(new URL(taken.origin).port)
  const text = configText({ port, ops: await freePort() })
  await writeFile(join(directory, 'policy.yaml'), POLICY)
  await writeFile(join(directory, 'taken.yaml'), text)
  const env = { DOCS_TOKEN: SECRET }
  const ran = await runCli(['serve', '-c', join(directory, 'taken.yaml')], { env })
  await taken.stop()
  assert.equal(ran.code, 1)
  assert.match(
    ran.err,
    new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*; another program has it`),
  )
})

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('close', () => socket.destroy())
  })
}

test('--version is the version of the package, --help names every verb, other words are 2', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  assert.deepEqual(await runCli(['--version']), { code: 0, out: `${version}\n`, err: '' })
  const help = await runCli(['--help'])
  assert.deepEqual([help.code, help.err], [0, ''])
  for (const verb of [
    'serve',
    'check',
    'policy test',
    'policy explain',
    'keys new',
    'apikeys new',
  ]) {
    assert.match(help.out, new RegExp(`^  ${verb} `, 'm'))
  }
  assert.match(help.out, /^  audit verify /m)
  for (const args of [['sreve'], ['check', '--no-such-option'], ['serve'], ['policy']]) {
    const wrong = await runCli(args)
    assert.deepEqual([wrong.code, wrong.out], [2, ''], args.join(' '))
    assert.notEqual(wrong.err, '')
  }
})

test('what keys new prints is a key ring, a new one each time', async () => {
  const [one, two] = await Promise.all([runCli(['keys', 'new']), runCli(['keys', 'new'])])
  for (const { code, out } of [one, two]) {
    assert.equal(code, 0)
    const [, key = ''] = /^[\w-]{1,32}:([\w-]{43})$/m.exec(out) ?? []
    assert.equal(Buffer.from(key, 'base64url').length, 32)
  }
  assert.notEqual(one.out, two.out)
  await writeFile(join(directory, 'policy.yaml'), POLICY)
  const file = join(directory, 'ring.yaml')
  await writeFile(file, configText({ port: 8787, ops: 9787 }))
  const env = { DOCS_TOKEN: SECRET, GATEHOUSE_KEYS: one.out.trim() }
  assert.equal((await runCli(['check', '-c', file], { env })).code, 0)
})

test('every policy of the examples passes its cases, and a case that is wrong fails by name', async () => {
  const policies = ['documents', 'everything', 'team'].map((name) => `policies/${name}.yaml`)
  const { code, out } = await runCli(['policy', 'test', ...policies])
  assert.equal(code, 0, out)
  assert.match(out, /^\d\d+ passed, 0 failed$/m)
  await writeFile(join(directory, 'p.yaml'), POLICY)
  const wrong = `cases:\n  - { name: it writes, caller: { kind: agent }, server: docs, tool: write, expect: allow }\n`
  await writeFile(join(directory, 'p.cases.yaml'), wrong)
  const ran = await runCli(['policy', 'test', join(directory, 'p.yaml')])
  assert.equal(ran.code, 1)
  assert.match(ran.out, /p\.cases\.yaml:2 it writes: expected allow, got deny/)
})

test('policy explain says which rule decides, and exits by the decision', async () => {
  await writeFile(join(directory, 'policy.yaml'), POLICY)
  const ask = (tool: string, kind: string) =>
    runCli(
      ['policy explain --policy policy.yaml --server docs --tool', tool, '--subject a --kind', kind]
        .join(' ')
        .split(' '),
      { cwd: directory },
    )
  const [yes, no, other] = await Promise.all([
    ask('read_file', 'agent'),
    ask('write_file', 'agent'),
    ask('read_file', 'human'),
  ])
  assert.deepEqual([yes.code, no.code, other.code], [0, 1, 1])
  assert.match(yes.out, /^ALLOW[^]*rule +read \(.*policy\.yaml:3/)
  assert.match(no.out, /^DENY/)
})

test('audit verify: a log of a real gateway is intact, an edited one is not, an empty one is said to be', async () => {
  const server = await startRecordingServer()
  const gateway = await startGatehouse({ servers: { docs: server.url }, rules: [allowAll('docs')] })
  const token = await gateway.token('docs')
  for (let at = 0; at < 5; at++) await post(gateway.url('docs'), callTool('echo'), { token })
  gateway.child.signal('SIGTERM')
  await gateway.child.exited
  const text = await readFile(gateway.auditFile, 'utf8')
  await gateway.stop()
  await server.stop()
  const lines = text.trimEnd().split('\n')
  const logs = {
    whole: text,
    edited: text.replace('"echo"', '"ecno"'),
    cut: lines.toSpliced(3, 1).join('\n'),
    moved: [...lines.slice(0, 2), lines[3], lines[2], ...lines.slice(4)].join('\n'),
    added: `${text}{"time":"now"}\n`,
    half: text.slice(0, -20),
    empty: '',
  }
  const verify = async (name: keyof typeof logs) => {
    const file = join(directory, 'logs', `${name}.jsonl`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, logs[name])
    return await runCli(['audit', 'verify', file])
  }
  const whole = await verify('whole')
  assert.equal(whole.code, 0, whole.out)
  assert.match(whole.out, /^intact\n/)
  assert.match(whole.out, /, closed, last hash /)
  for (const name of ['edited', 'cut', 'moved', 'added'] as const) {
    const { code, out } = await verify(name)
    assert.equal(code, 1, `${name}: ${out}`)
    assert.match(out, /^BROKEN\n/)
    assert.match(out, new RegExp(`${name}\\.jsonl:\\d+: `))
  }
  assert.equal((await verify('half')).code, 0)
  const empty = await verify('empty')
  assert.doesNotMatch(empty.out, /^intact\n/)
  assert.match(empty.out + empty.err, /no records|nothing/)
  assert.equal((await runCli(['audit', 'verify', join(directory, 'absent.jsonl')])).code, 2)
})
