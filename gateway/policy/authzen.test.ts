import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someCaller } from '../testkit/compile-rules.ts'
import { callFor } from './ask.ts'
import { type Evaluation, evaluationBody, readEvaluation } from './authzen.ts'

const CALLER = someCaller({
  subject: 'anna',
  client: 'desktop',
  groups: new Set(['staff', 'analysts']),
  scopes: new Set(['docs:read']),
})

function evaluation(parts: Partial<Evaluation> = {}): Evaluation {
  const call = callFor({ about: 'tool', name: 'read' })
  const [target] = call.targets
  return { caller: CALLER, call, server: 'docs', target, address: '', args: undefined, ...parts }
}

test('a call of a tool is asked about as subject, action, resource and context', () => {
  assert.deepEqual(JSON.parse(evaluationBody(evaluation({ address: '192.0.2.1' }))), {
    subject: {
      type: 'identity',
      id: 'anna',
      properties: {
        issuer: 'https://issuer.example',
        tenant: 'default',
        kind: 'agent',
        groups: ['analysts', 'staff'],
        scopes: ['docs:read'],
      },
    },
    action: { name: 'tools/call' },
    resource: { type: 'tool', id: 'read', properties: { server: 'docs' } },
    context: { agent: 'desktop', direction: 'up', address: '192.0.2.1' },
  })
})

test('a method that names nothing is asked about as one of the server', () => {
  const call = callFor({ about: 'method', name: 'sampling/createMessage' })
  const { action, resource } = JSON.parse(evaluationBody(evaluation({ call, target: undefined })))
  assert.deepEqual([action.name, resource.type, resource.id], [call.method, 'mcp_server', 'docs'])
})

test('a task is asked about by the id of its server, with the tool that made it', () => {
  const target = { kind: 'task', name: 'handle', task: { id: 't-1', tool: 'build' } } as const
  const { resource } = JSON.parse(evaluationBody(evaluation({ target })))
  const properties = { server: 'docs', tool: 'build' }
  assert.deepEqual(resource, { type: 'task', id: 't-1', properties })
})

test('arguments are told as they were sent, digit for digit', () => {
  const args = '{"account":12345678901234567890,"note":"}"}'
  const body = evaluationBody(evaluation({ args }))
  assert.ok(body.endsWith(`,"arguments":${args}}}`))
  assert.equal(JSON.parse(body).context.arguments.note, '}')
  assert.equal(JSON.parse(evaluationBody(evaluation())).context.arguments, undefined)
})

test('only a decision that is true or false is one, and only a yes without conditions is a yes', () => {
  const no = (answer: Readonly<Record<string, unknown>>) => !readEvaluation(answer).ok
  for (const decision of [undefined, 'true', 1, null, {}, [true]]) assert.ok(no({ decision }))
  assert.ok(no({ decision: true, context: { obligations: [{ id: 'mfa' }] } }))
  assert.ok(no({ decision: true, context: { obligations: 'mfa' } }))
  for (const decision of [true, false]) {
    assert.deepEqual(readEvaluation({ decision }), { ok: true, decision, context: undefined })
  }
  assert.ok(readEvaluation({ decision: true, context: { obligations: [] } }).ok)
  const denied = readEvaluation({ decision: false, context: { reason: 'x'.repeat(1_000) } })
  assert.ok(denied.ok && denied.context?.length === 400)
})
