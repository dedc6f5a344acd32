import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../mcp/scan.ts'
import { testCaller, testDesk, testSeat } from '../testkit/pipeline.ts'
import { judge } from './judge.ts'

const EVERYBODY = { subjects: [{ any: true }] }
const OBLIGATIONS = [{ audit: 'arguments' }, { redact: ['password'] }, { notify: 'security' }]
const RULES = [
  { id: 'recorded', effect: 'allow', ...EVERYBODY, tools: ['docs/read'], obligations: OBLIGATIONS },
  { id: 'plain', effect: 'allow', ...EVERYBODY, tools: ['docs/plain', 'docs/held'] },
  {
    id: 'never',
    effect: 'deny',
    ...EVERYBODY,
    tools: ['docs/purge'],
    obligations: [{ notify: 'security' }],
  },
  {
    id: 'asks',
    effect: 'require',
    ...EVERYBODY,
    tools: ['docs/held'],
    require: { approval: { by: 'group:leads' } },
    obligations: OBLIGATIONS,
  },
]

/** Judges a call of this tool; what came of it, what is recorded with it, and who was told what. */
async function call(name: string) {
  const desk = testDesk(RULES)
  const seat = testSeat()
  const params = { name, arguments: { password: 'hunter2', path: '/a' } }
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
  const scanned = scan(Buffer.from(JSON.stringify(message)))
  assert.ok(scanned.ok)
  const content = { kind: 'message', message: scanned.messages[0]! } as const
  const passed = await judge({ seat, direction: 'up', content }, testCaller(), desk).then(
    () => true,
    () => false,
  )
  const [entry] = seat.journey.calls
  return { passed, sent: entry?.recordedArguments, notices: desk.notices, entry }
}

test('a call that is let through has its arguments recorded without what is redacted', async () => {
  const { passed, sent, notices } = await call('read')
  assert.deepEqual([passed, sent], [true, '{"password":"[redacted]","path":"/a"}'])
  assert.equal(notices.length, 1)
})

test('a call whose rules oblige to nothing has nothing more in its journey', async () => {
  const { passed, notices, entry } = await call('plain')
  assert.deepEqual([passed, notices], [true, []])
  assert.ok(entry !== undefined && !('obligations' in entry) && !('recordedArguments' in entry))
})

test('a denied call and one that waits are told of, and their arguments are not recorded', async () => {
  for (const [tool, effect, rule] of [
    ['purge', 'deny', 'never'],
    ['held', 'require', 'asks'],
  ] as const) {
    const { passed, sent, notices } = await call(tool)
    assert.deepEqual([passed, sent, notices.length], [false, undefined, 1])
    const notice = JSON.parse(notices[0]![1]) as Readonly<Record<string, unknown>>
    assert.deepEqual([notice['effect'], notice['rule']], [effect, rule])
  }
})

test('a notice says what was decided of whom, and never holds arguments', async () => {
  const { notices, entry } = await call('read')
  const [[to, notice] = ['', '{}']] = notices
  const { tenant, issuer, subject, client, kind } = testCaller()
  assert.equal(to, 'security')
  assert.deepEqual(JSON.parse(notice), {
    type: 'decision',
    time: '1970-01-01T00:00:00.000Z',
    id: entry?.id,
    server: 'docs',
    method: 'tools/call',
    targets: [{ kind: 'tool', name: 'read' }],
    effect: 'allow',
    rule: 'recorded',
    caller: { tenant, issuer, subject, client, kind },
    config: 'test',
  })
})
