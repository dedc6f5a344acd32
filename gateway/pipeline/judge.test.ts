import assert from 'node:assert/strict'
import { test } from 'node:test'

import { scan } from '../mcp/scan.ts'
import { Refusal } from '../model/refusal.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Frame, Seat } from './frame.ts'
import { judge } from './judge.ts'

const RULES = [
  {
    id: 'agents-read',
    effect: 'allow',
    subjects: [{ kind: 'agent' }],
    tools: ['docs/read_*'],
    resources: ['docs:file:///pub/**'],
  },
]

const SAMPLING = {
  id: 'docs-may-sample',
  effect: 'allow',
  subjects: [{ kind: 'agent' }],
  servers: ['docs'],
  methods: ['sampling/createMessage'],
}

function frames(text: string, direction: 'up' | 'down', seat: Seat): readonly Frame[] {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok)
  return scanned.messages.map((message) => ({
    seat,
    direction,
    content: { kind: 'message', message },
  }))
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error.code
  }
  return 'passed'
}

const call = (name: string, id: number): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":{}}}`

test('each element of a batch is judged on its own and recorded on its own', async () => {
  const desk = testDesk(RULES)
  const seat = testSeat()
  const elements = frames(`[${call('read_file', 1)},${call('delete_all', 2)}]`, 'up', seat)
  const codes = []
  for (const frame of elements) codes.push(await codeOf(judge(frame, testCaller(), desk)))
  assert.deepEqual(codes, ['passed', 'unknown_name'])
  assert.deepEqual(
    seat.journey.calls.map(({ effect }) => effect),
    ['allow', 'deny'],
  )
  assert.deepEqual(
    desk.recorded.map(({ call }) => call.targets[0]?.name),
    ['read_file'],
  )
})

test('a listen request passes without the resources that are not allowed, and names them', async () => {
  const desk = testDesk(RULES)
  const seat = testSeat({
    head: { protocolVersion: '2026-07-28', method: 'subscriptions/listen' },
  })
  const text = JSON.stringify({
    jsonrpc: '2.0',
    id: 4,
    method: 'subscriptions/listen',
    params: {
      notifications: { resourceSubscriptions: ['file:///pub/a', 'file:///priv/b'] },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  })
  const [frame] = frames(text, 'up', seat)
  assert.ok(frame)
  const permit = await judge(frame, testCaller(), desk)
  assert.deepEqual(permit.dropped, [{ kind: 'resource', name: 'file:///priv/b' }])
  assert.equal(permit.call.targets.length, 2)
})

test('a client’s response passes for a caller who may be on the server, and for nobody else', async () => {
  const desk = testDesk(RULES)
  const text = '{"jsonrpc":"2.0","id":"s-1","result":{"role":"assistant"}}'
  const [frame] = frames(text, 'up', testSeat())
  assert.ok(frame)
  assert.equal((await judge(frame, testCaller(), desk)).call.kind, 'response')
  assert.equal(await codeOf(judge(frame, testCaller({ kind: 'human' }), desk)), 'policy_denied')
})

test('a server’s sampling request is not delivered unless a rule names the method', async () => {
  const text = '{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{"messages":[]}}'
  const refused = testSeat()
  const [unasked] = frames(text, 'down', refused)
  assert.ok(unasked)
  assert.equal(await codeOf(judge(unasked, testCaller(), testDesk(RULES))), 'policy_denied')
  assert.equal(refused.journey.calls[0]?.effect, 'deny')

  const desk = testDesk([...RULES, SAMPLING])
  const [allowed] = frames(text, 'down', testSeat())
  assert.ok(allowed)
  const permit = await judge(allowed, testCaller(), desk)
  assert.equal(permit.rule, 'docs-may-sample')
  assert.equal(permit.call.direction, 'down')
  assert.equal(desk.recorded.length, 1)
})

test('a modern exchange brings no requests of the server, whatever a rule allows', async () => {
  const desk = testDesk([...RULES, SAMPLING])
  const text = '{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{"messages":[]}}'
  const [frame] = frames(text, 'down', testSeat({ head: { protocolVersion: '2026-07-28' } }))
  assert.ok(frame)
  assert.equal(await codeOf(judge(frame, testCaller(), desk)), 'unknown_method')
})

test('a server’s notification about a resource reaches only those who may read it', async () => {
  const desk = testDesk(RULES)
  const updated = (uri: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}"}}`
  const seat = testSeat()
  const [allowed] = frames(updated('file:///pub/a'), 'down', seat)
  const [denied] = frames(updated('file:///priv/b'), 'down', seat)
  assert.ok(allowed && denied)
  assert.equal(await codeOf(judge(allowed, testCaller(), desk)), 'passed')
  assert.equal(await codeOf(judge(denied, testCaller(), desk)), 'unknown_name')
})

test('opening a stream and ending a session need no more than being on the server', async () => {
  const desk = testDesk(RULES)
  for (const kind of ['open_stream', 'end_session'] as const) {
    const frame: Frame = { seat: testSeat(), direction: 'up', content: { kind } }
    assert.equal((await judge(frame, testCaller(), desk)).call.kind, kind)
    assert.equal(await codeOf(judge(frame, testCaller({ kind: 'human' }), desk)), 'policy_denied')
  }
})

test('a name that policy allows but no list shows is unknown, and the server is asked once', async () => {
  const desk = testDesk([{ ...RULES[0], tools: ['docs/*'] }])
  const seat = testSeat()
  const [ghost] = frames(call('ghost', 1), 'up', seat)
  assert.ok(ghost)
  assert.equal(await codeOf(judge(ghost, testCaller(), desk)), 'unknown_name')
  assert.equal(seat.journey.calls[0]?.reason, 'unlisted')
  assert.deepEqual(desk.lookedUp, ['ghost'])

  desk.catalogue.learn('docs', [{ kind: 'tool', name: 'read_file' }])
  const [known] = frames(call('read_file', 2), 'up', testSeat())
  assert.ok(known)
  assert.equal(await codeOf(judge(known, testCaller(), desk)), 'passed')
  assert.deepEqual(desk.lookedUp, ['ghost'])
})

test('with unlisted: allow an unlisted name is forwarded without asking', async () => {
  const desk = testDesk([{ ...RULES[0], tools: ['docs/*'] }])
  const [ghost] = frames(
    call('ghost', 1),
    'up',
    testSeat({ server: testServer({ unlisted: 'allow' }) }),
  )
  assert.ok(ghost)
  assert.equal(await codeOf(judge(ghost, testCaller(), desk)), 'passed')
  assert.deepEqual(desk.lookedUp, [])
})

test('a resource whose URI could be read in two ways is unknown, whatever the rules say', async () => {
  const desk = testDesk([{ ...RULES[0], resources: ['docs:**'] }])
  const read = (uri: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"${uri}"}}`
  const [odd] = frames(read('file:///pub/../priv'), 'up', testSeat())
  const [plain] = frames(read('file:///pub/a'), 'up', testSeat())
  assert.ok(odd && plain)
  assert.equal(await codeOf(judge(odd, testCaller(), desk)), 'unknown_name')
  assert.equal(await codeOf(judge(plain, testCaller(), desk)), 'passed')
})
