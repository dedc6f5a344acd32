import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../mcp/scan.ts'
import type { Target } from '../model/call.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { testCaller, testSeat, testServer } from '../testkit/pipeline.ts'
import { bodyUp } from './body-up.ts'
import { sealState } from './request-state.ts'
import { createTasks } from './tasks.ts'

const HOUR_MS = 3_600_000
const seals = createSeals([temporaryKey()])
const tasks = createTasks(seals, new Map())

type Over = {
  readonly method?: string
  readonly target?: Target
  readonly subject?: string
  readonly client?: string
  readonly server?: string
  readonly nowMs?: number
}

const TOOL: Target = { kind: 'tool', name: 'echo' }

function permitFor(text: string, over: Over, dropped: readonly Target[] = []): Permit {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok)
  const { kind, id, spans } = scanned.messages[0]!
  const { method = 'tools/call', target = TOOL, subject = 'agent-1', client = 'agent-1' } = over
  return {
    caller: testCaller({ subject, client }),
    server: testServer({ name: over.server ?? 'docs' }),
    call: { era: 'modern', method, targets: [target], kind, id: id?.text, spans },
    rule: 'r',
    dropped,
  } as unknown as Permit
}

/** What goes up of a frame. */
function up(text: string, over: Over = {}, dropped: readonly Target[] = []): string {
  const desk = { seals, tasks, now: () => over.nowMs ?? 0 }
  const permit = permitFor(text, over, dropped)
  return Buffer.from(bodyUp(Buffer.from(text), permit, testSeat(), desk)).toString()
}

function sealed(state: string, over: Over = {}): string {
  const permit = permitFor('{"jsonrpc":"2.0","id":1,"method":"ping"}', over)
  return sealState(state, permit, { seals, now: () => 0 }) ?? assert.fail('too long')
}

function retry(state: string): string {
  return `{"params":{"name":"é","requestState":${state},"x":"y"},"jsonrpc":"2.0","id":2,"method":"tools/call"}`
}

function unknown(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'state_unknown'
}

test('a retry goes up with the state as the server wrote it, and nothing else changed', () => {
  for (const state of ['"s"', '""', '"\\u00e9\\ud800 é\\n"', `"${'x'.repeat(100_000)}"`]) {
    const handle = sealed(state)
    assert.equal(up(retry(`"${handle}"`)), retry(state))
    const escaped = `\\u00${handle.charCodeAt(0).toString(16)}${handle.slice(1)}`
    assert.equal(up(retry(`"${escaped}"`)), retry(state))
  }
})

test('X-14 a state opens for its caller, server, method and target only, within the hour', () => {
  const body = retry(`"${sealed('"s"')}"`)
  const others: readonly Over[] = [
    { subject: 'mallory' },
    { client: 'other' },
    { server: 'other' },
    { method: 'prompts/get' },
    { target: { kind: 'tool', name: 'delete_all' } },
    { target: { kind: 'prompt', name: 'echo' } },
    { nowMs: HOUR_MS },
  ]
  for (const other of others) assert.throws(() => up(body, other), unknown, JSON.stringify(other))
  assert.equal(up(body, { nowMs: HOUR_MS - 1 }), retry('"s"'))
})

test('X-14 a state that is none of ours does not go up, whatever the call', () => {
  const handle = sealed('"s"')
  const made = [
    's',
    '',
    `${handle}A`,
    handle.slice(1),
    seals.seal('session', ['default', 'http://issuer.test', 'agent-1', 'agent-1', 'docs'], '0 s'),
  ]
  for (const state of made) assert.throws(() => up(retry(`"${state}"`)), unknown)
  assert.throws(() => up(retry('"s"'), { method: 'tools/list' }), unknown)
})

test('the longest state taken from a server has 262,144 bytes, and comes back', () => {
  const permit = permitFor('{"jsonrpc":"2.0","id":1,"method":"ping"}', {})
  const longest = `"${'é'.repeat(131_071)}"`
  assert.equal(up(retry(`"${sealed(longest)}"`)), retry(longest))
  assert.equal(sealState(`${longest}x`, permit, { seals, now: () => 0 }), undefined)
})

function listen(resources: string, tasks: string): string {
  return `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"taskIds":${tasks},"toolsListChanged":true, "resourceSubscriptions" : ${resources}}}}`
}

test('X-05 what a caller may not follow is taken out of the filter, and the rest is as it came', () => {
  const dropped: readonly Target[] = [
    { kind: 'resource', name: 'file:///b' },
    { kind: 'task', name: 't' },
  ]
  const method = 'subscriptions/listen'
  const body = listen('[ "file:///a", "file:///b", "t" ]', '["t","file:///b"]')
  assert.equal(up(body, { method }, dropped), listen('[ "file:///a", "t" ]', '[]'))
  const nothingLeft = listen('["file:///b","file:///\\u0062"]', '["t"]')
  assert.equal(up(nothingLeft, { method }, dropped), listen('[]', '[]'))
})

test('a frame without handles and nothing dropped goes up as the very bytes that came', () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}'
  const body = Buffer.from(text)
  assert.equal(bodyUp(body, permitFor(text, {}), testSeat(), { seals, tasks, now: () => 0 }), body)
})
