/** The tools of a policy on what a real gateway wrote: shadow, diff, learn, and what a reload says. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { policyText, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ALL = { id: 'everybody', effect: 'allow', subjects: [{ any: true }], servers: ['docs'] }
const NO_DELETES = {
  id: 'no-deletes',
  effect: 'deny',
  subjects: [{ any: true }],
  tools: ['docs/delete_*'],
}

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [ALL, { ...NO_DELETES, mode: 'shadow' }],
  })
})

after(() => stopAll(gateway, server))

async function call(tool: string, subject: string, ...groups: readonly string[]): Promise<string> {
  const token = await gateway.token('docs', { subject, groups })
  const sessionId = await openSession(gateway.url('docs'), token)
  const headers = { 'mcp-session-id': sessionId }
  const reply = await post(gateway.url('docs'), callTool(tool), { token, headers })
  return reply.json?.error?.message ?? 'served'
}

function inside(name: string): string {
  return join(gateway.directory, name)
}

async function reload() {
  return await gateway.admin('POST', '/admin/reload')
}

test('a rule in shadow changes nothing, and the report says what it would have changed', async () => {
  for (const tool of ['echo', 'echo', 'delete_all', 'delete_all']) {
    assert.equal(await call(tool, 'anna', 'curators'), 'served')
  }
  assert.equal(await call('echo', 'ben', 'readers'), 'served')
  await eventually(async () => {
    const { code, out } = await runCli(['policy', 'shadow-report', gateway.auditFile])
    assert.equal(code, 0)
    assert.match(out, /no-deletes: 2 calls by 1 caller would be denied instead of allowed/)
    assert.match(out, /2x {2}agent "anna" in curators asking docs for tool "delete_all"/)
  })
})

test('what a server has listed can be had, and a rule for anything else is warned of', async () => {
  const { ops, adminToken, configFile, policyFile } = gateway
  const env = { GATEHOUSE_OPS_URL: ops, GATEHOUSE_ADMIN_TOKEN: adminToken }
  const { code, out } = await runCli(['tools'], { env })
  assert.equal(code, 0)
  assert.match(out, /^docs\/echo$/m)
  const [rules, tools] = [await readFile(policyFile, 'utf8'), inside('tools.txt')]
  await writeFile(tools, out)
  const misspelt = { ...NO_DELETES, id: 'slip', tools: ['docs/dlete_all'] }
  await gateway.writePolicy([ALL, misspelt])
  const checked = await runCli(['check', '-c', configFile, '--offline', '--tools', tools], { env })
  await writeFile(policyFile, rules)
  assert.match(checked.out, /warning: .*the rule "slip" names the tool "dlete_all", which no list/)
})

test('diff says of the recorded calls which an enforced rule would deny', async () => {
  await writeFile(inside('enforced.yaml'), policyText([ALL, NO_DELETES]))
  const args = [gateway.policyFile, inside('enforced.yaml'), '--audit', gateway.auditFile]
  const { code, out, err } = await runCli(['policy', 'diff', ...args])
  assert.deepEqual([code, err], [1, ''])
  assert.match(out, /now denied: 2 calls, 1 different\n {2}2x {2}agent "anna" in curators/)
  assert.match(out, /after {3}deny \(deny_rule\) by no-deletes \(.*enforced\.yaml:\d+\)/)
  const same = [gateway.policyFile, gateway.policyFile, '--audit', gateway.auditFile]
  assert.equal((await runCli(['policy', 'diff', ...same])).code, 0)
  const deleted = (await gateway.audit()).find((one) => JSON.stringify(one).includes('delete_all'))
  const record = `--record=${String(deleted?.['id'])}`
  const asked = ['--policy', inside('enforced.yaml'), record, ...args.slice(2)]
  const explained = await runCli(['policy', 'explain', ...asked])
  assert.match(
    explained.out,
    /DIFFERS\n +effect was allow, is deny\n +rule was everybody, is no-deletes/,
  )
})

test('learn proposes a policy under which the same people do the same and no more', async () => {
  const learned = inside('learned.yaml')
  const made = await runCli(['policy', 'learn', '--out', learned, gateway.auditFile])
  assert.equal(made.code, 0, made.err)
  for (const verb of ['check', 'test']) {
    const { code, out, err } = await runCli(['policy', verb, learned])
    assert.equal(code, 0, `${verb}: ${out}${err}`)
  }
  await gateway.writeConfig({ policies: ['learned.yaml'] })
  assert.equal((await reload()).status, 200)
  assert.equal(await call('delete_all', 'anna', 'curators'), 'served')
  assert.equal(await call('echo', 'ben', 'readers'), 'served')
  assert.equal(await call('delete_all', 'ben', 'readers'), 'Unknown tool: delete_all')
  assert.equal(
    (
      await runCli(['check', '-c', gateway.configFile], {
        env: { GATEHOUSE_ADMIN_TOKEN: gateway.adminToken },
      })
    ).code,
    0,
  )
})

test('a reload says which of the calls it remembers it decides otherwise now', async () => {
  const text = await readFile(inside('learned.yaml'), 'utf8')
  await writeFile(inside('learned.yaml'), text.replace(/\n.*"docs\/delete_all".*/, ''))
  const { notices } = (await reload()).json
  const change =
    /^of \d+ recent calls 1 now denied, as agent "anna" in curators asking docs for tool "delete_all"/
  // Whoever watches the file may have come first, and changed all there was to change.
  for (const notice of notices as readonly string[]) assert.match(notice, change)
  await eventually(async () => {
    const reloads = (await gateway.audit()).filter(({ event }) => event === 'reload')
    assert.ok(reloads.some(({ detail }) => change.test(String(detail))))
  })
  assert.match(gateway.child.output(), /the new policy changes decisions/)
  assert.deepEqual((await reload()).json['notices'], [])
})
