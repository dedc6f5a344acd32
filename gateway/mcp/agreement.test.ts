import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MirroredHeaders, readCall } from './read-call.ts'
import { scan } from './scan.ts'

const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
const NONE: ReadonlySet<string> = new Set(['x/y'])

function outcome(method: string, params: string, headers: MirroredHeaders): string {
  const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{${params}${META}}}`
  return judged(text, { protocolVersion: '2026-07-28', ...headers })
}

function judged(text: string, headers: MirroredHeaders): string {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, scanned.ok ? '' : scanned.problem.message)
  const message = scanned.messages[0]!
  const read = readCall({ message, direction: 'up', headers, extraMethods: NONE })
  return read.ok ? 'served' : read.problem.code
}

function toolCall(name: string, headers: MirroredHeaders): string {
  const text = JSON.stringify(name)
  return outcome('tools/call', `"name":${text},`, { method: 'tools/call', ...headers })
}

function sentinel(text: string): string {
  return `=?base64?${Buffer.from(text).toString('base64')}?=`
}

test('S-01 Mcp-Name must be the name in the body, both ways', () => {
  assert.equal(toolCall('delete_all', { name: 'echo' }), 'header_mismatch')
  assert.equal(toolCall('echo', { name: 'delete_all' }), 'header_mismatch')
  assert.equal(toolCall('echo', { name: 'echo' }), 'served')
})

test('S-02 each mirrored header must be there', () => {
  assert.equal(toolCall('echo', {}), 'header_mismatch')
  assert.equal(toolCall('echo', { name: 'echo', method: undefined }), 'header_mismatch')
  assert.equal(toolCall('echo', { name: 'echo', protocolVersion: undefined }), 'header_mismatch')
  assert.equal(outcome('tools/list', '', {}), 'header_mismatch')
  assert.equal(
    outcome('resources/read', '"uri":"a:b",', { method: 'resources/read' }),
    'header_mismatch',
  )
  assert.equal(outcome('prompts/get', '"name":"p",', { method: 'prompts/get' }), 'header_mismatch')
})

test('S-03 Mcp-Method is compared with its case', () => {
  assert.equal(toolCall('echo', { name: 'echo', method: 'TOOLS/CALL' }), 'header_mismatch')
  assert.equal(toolCall('echo', { name: 'Echo' }), 'header_mismatch')
})

test('S-04 values arrive without outer white space; inner white space counts', () => {
  assert.equal(toolCall('echo', { name: 'echo' }), 'served')
  assert.equal(toolCall('e cho', { name: 'e cho' }), 'served')
  assert.equal(toolCall('e\u0020cho', { name: 'e  cho' }), 'header_mismatch')
})

test('S-05 names beyond ASCII come in the sentinel, and the right one', () => {
  assert.equal(toolCall('grüße', { name: sentinel('grüße') }), 'served')
  assert.equal(toolCall('grüße', { name: sentinel('gruesse') }), 'header_mismatch')
  assert.equal(toolCall('grüße', { name: 'grüße' }), 'header_mismatch')
  assert.equal(
    outcome('resources/read', '"uri":"a:ü",', { method: 'resources/read', name: sentinel('a:ü') }),
    'served',
  )
})

test('S-05 a name that reads like a sentinel must itself be encoded', () => {
  const name = sentinel('echo')
  assert.equal(toolCall(name, { name }), 'header_mismatch')
  assert.equal(toolCall(name, { name: sentinel(name) }), 'served')
  assert.equal(toolCall('echo', { name: sentinel('echo') }), 'served')
})

test('S-05 an empty name may be an empty header or an empty sentinel, but not a missing one', () => {
  assert.equal(toolCall('', { name: '' }), 'served')
  assert.equal(toolCall('', { name: '=?base64??=' }), 'served')
  assert.equal(toolCall('', {}), 'header_mismatch')
  assert.equal(toolCall('echo', { name: '' }), 'header_mismatch')
})

test('S-10 legacy requests ignore what mirrored headers say', () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_all"}}'
  const lies = { method: 'tools/list', name: 'echo' }
  assert.equal(judged(text, lies), 'served')
  assert.equal(judged(text, { ...lies, protocolVersion: '2025-11-25' }), 'served')
})

test('S-11 Mcp-Name of tasks is the task id', () => {
  for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
    assert.equal(outcome(method, '"taskId":"t",', { method, name: 't' }), 'served')
    assert.equal(outcome(method, '"taskId":"t",', { method, name: 'u' }), 'header_mismatch')
    assert.equal(outcome(method, '"taskId":"t",', { method }), 'header_mismatch')
  }
})

test('methods without one name need no Mcp-Name', () => {
  const headers = { method: 'tools/list', name: 'anything' }
  assert.equal(outcome('tools/list', '', headers), 'served')
  assert.equal(
    outcome('completion/complete', '"ref":{"type":"ref/prompt","name":"p"},', {
      method: 'completion/complete',
    }),
    'served',
  )
  assert.equal(outcome('x/y', '"name":"a",', { method: 'x/y' }), 'served')
  assert.equal(outcome('x/y', '"name":"a",', {}), 'header_mismatch')
})

test('notifications need no mirrored headers, but the method must not lie', () => {
  const text = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'
  const protocolVersion = '2026-07-28'
  assert.equal(judged(text, { protocolVersion }), 'served')
  assert.equal(judged(text, { protocolVersion, method: 'notifications/cancelled' }), 'served')
  assert.equal(judged(text, { protocolVersion, method: 'tools/call' }), 'header_mismatch')
})

test('an unknown modern method with right headers is unknown, with wrong ones a mismatch', () => {
  assert.equal(outcome('ping', '', { method: 'ping' }), 'unknown_method')
  assert.equal(outcome('ping', '', { method: 'tools/list' }), 'header_mismatch')
})
