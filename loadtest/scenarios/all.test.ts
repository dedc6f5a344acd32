import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCENARIOS } from './all.ts'
import type { Ask, Got, World } from './scenario.ts'

const WORLD: World = {
  url: 'http://gw.test/mcp',
  tokens: Array.from({ length: 10 }, (_, at) => `token-${at}`),
  clients: ['Basic a', 'Basic b'],
  sessions: ['token-1 session-1', 'token-2 session-2'],
  tool: 'search',
  arguments: '{"query":"x"}',
  registrationToken: 'ghr_1',
  ops: 'http://ops.test',
  adminToken: 'admin',
}

const ANSWER: Got = {
  status: 200,
  header: () => 'session-1',
  body: JSON.stringify({
    access_token: 'issued',
    client_id: 'c',
    client_secret: 's',
    registration_client_uri: 'http://gw.test/oauth/register/c',
    registration_access_token: 'manage',
  }),
}

function asks(name: string, turn: number, answer = ANSWER): readonly Ask[] {
  const visit = SCENARIOS.find((scenario) => scenario.name === name)!.visit(turn, WORLD)
  const seen: Ask[] = []
  let step = visit.next()
  while (step.done !== true) {
    seen.push(step.value)
    step = visit.next(answer)
  }
  return seen
}

const names = (seen: readonly Ask[]): readonly string[] => seen.map(({ name }) => name)

test('every tenth request of the main path is a list', () => {
  const turns = Array.from({ length: 20 }, (_, turn) => names(asks('main', turn))[0])
  assert.equal(turns.filter((name) => name === 'tools/list').length, 2)
})

test('an agent calls with the token it was given', () => {
  const [, call] = asks('agents', 1)
  assert.equal(call?.headers['authorization'], 'Bearer issued')
  const churn = asks('churn', 1)
  assert.deepEqual(names(churn), ['registration', 'token', 'tools/call', 'removal of a client'])
  assert.match(churn[1]?.body ?? '', /client_id=c&client_secret=s$/)
  assert.equal(churn[3]?.headers['authorization'], 'Bearer manage')
})

test('open sessions call in turns, each with the token of its caller', () => {
  const calls = [0, 1, 2].map((turn) => asks('sessions', turn)[0]?.headers)
  assert.deepEqual(
    calls.map((headers) => [headers?.['authorization'], headers?.['mcp-session-id']]),
    [
      ['Bearer token-1', 'session-1'],
      ['Bearer token-2', 'session-2'],
      ['Bearer token-1', 'session-1'],
    ],
  )
})

test('an answer that is no JSON leads to requests that fail, and to no exception', () => {
  const broken = { ...ANSWER, body: 'oops' }
  assert.equal(asks('churn', 1, broken).length, 4)
})

test('whoever is revoked is refused from then on, and disturbs nobody else', () => {
  const [before, revocation, after] = asks('revocations', 50)
  assert.match(revocation?.body ?? '', /"value":"caller-1"/)
  for (const call of [before, after]) assert.equal(call?.headers['authorization'], 'Bearer token-1')
  assert.ok(after?.isGood({ ...ANSWER, status: 401 }) === true && !after.isGood(ANSWER))
  for (let turn = 1; turn < 50; turn += 1) {
    const [call] = asks('revocations', turn)
    assert.ok(Number(call?.headers['authorization']?.split('-')[1]) >= 5)
  }
})

test('a refusal that is HTTP 200 is no good answer', () => {
  const [call] = asks('main', 1)
  const refusal = '{"jsonrpc":"2.0","id":1,"error":{"code":1001,"message":"Denied"}}'
  assert.equal(call?.isGood({ ...ANSWER, body: refusal }), false)
  assert.equal(call?.isGood({ ...ANSWER, body: '{"result":{}}' }), true)
})
