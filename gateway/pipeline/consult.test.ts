import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../mcp/scan.ts'
import type { DecisionPoint } from '../model/decision-point.ts'
import { Refusal } from '../model/refusal.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import type { AskPoint } from './decision-point.ts'
import { judge } from './judge.ts'

const POINT: DecisionPoint = {
  url: 'https://pdp.test/',
  token: undefined,
  mode: 'and',
  timeoutMs: 100,
  maxConcurrent: 8,
  cacheMs: 0,
  sendsArguments: false,
}

const RULES = [
  {
    id: 'pub',
    effect: 'allow',
    subjects: [{ any: true }],
    tools: ['docs/read'],
    credential: 'reader',
    resources: ['docs:file:///pub/**'],
  },
  {
    id: 'never',
    effect: 'deny',
    subjects: [{ any: true }],
    tools: ['docs/purge'],
    resources: ['docs:file:///pub/secret/**'],
  },
]

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Judges a message while the decision point says yes to these resource ids only. */
async function ask(
  message: { readonly method: string; readonly params?: object },
  options: {
    readonly yes?: readonly string[]
    readonly mode?: DecisionPoint['mode']
    readonly rules?: readonly Readonly<Record<string, unknown>>[]
  } = {},
) {
  const { yes = [], mode = 'and', rules = RULES } = options
  const asked: string[] = []
  const askPoint: AskPoint = async (_point, { body }) => {
    const { resource } = JSON.parse(body) as { readonly resource: { readonly id: string } }
    asked.push(resource.id)
    return { ok: true, decision: yes.includes(resource.id), context: undefined }
  }
  const desk = { ...testDesk(rules), askPoint }
  const server = testServer({ decisionPoint: { ...POINT, mode }, unlisted: 'allow' })
  const seat = testSeat({ server })
  const scanned = scan(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })))
  assert.ok(scanned.ok)
  const content = { kind: 'message', message: scanned.messages[0]! } as const
  const modern = message.method === 'subscriptions/listen'
  const head = { protocolVersion: '2026-07-28', method: message.method }
  const own = modern ? testSeat({ server, head }) : seat
  let chosen: string | undefined
  const code = await judge({ seat: own, direction: 'up', content }, testCaller(), desk).then(
    ({ dropped, credential }) => {
      chosen = credential
      return `passed${dropped.map(({ name }) => ` without ${name}`).join('')}`
    },
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  )
  const [entry] = own.journey.calls
  return {
    code,
    chosen,
    asked,
    said: entry?.decisionPoint,
    rule: entry?.rule,
    reason: entry?.reason,
  }
}

const tool = (name: string) => ({ method: 'tools/call', params: { name, arguments: {} } })

test('an allow of the rules stands with a yes and falls with a no', async () => {
  const yes = await ask(tool('read'), { yes: ['read'] })
  assert.deepEqual([yes.code, yes.said, yes.rule], ['passed', 'allow', 'pub'])
  const no = await ask(tool('read'))
  assert.deepEqual([no.code, no.said, no.reason], ['policy_denied', 'deny', 'decision_point'])
})

test('what the rules do not allow is only asked about where the decision point overrides', async () => {
  const and = await ask(tool('other'), { yes: ['other'] })
  assert.deepEqual([and.code, and.asked], ['unknown_name', []])
  const over = await ask(tool('other'), { yes: ['other'], mode: 'override' })
  assert.deepEqual([over.code, over.rule], ['passed', 'builtin:decision_point'])
  const no = await ask(tool('other'), { mode: 'override' })
  assert.deepEqual([no.code, no.reason], ['unknown_name', 'decision_point'])
})

test("a task that is not the caller's own stays unknown, whatever the decision point would say", async () => {
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
    const message = { method, params: { taskId: 'of-somebody' } }
    const { code, asked } = await ask(message, { yes: ['of-somebody'], mode: 'override' })
    assert.deepEqual([code, asked], ['unknown_name', []], method)
  }
})

test('a decision point that overrides does not undo which credential a rule chose', async () => {
  const both = await ask(tool('read'), { yes: ['read'], mode: 'override' })
  assert.deepEqual([both.rule, both.chosen], ['builtin:decision_point', 'reader'])
  const alone = await ask(tool('other'), { yes: ['other'], mode: 'override' })
  assert.deepEqual([alone.code, alone.chosen], ['passed', undefined])
})

test('what a rule denies, and a URI no rule could be asked about, stays denied unasked', async () => {
  const uri = 'file:///pub/../etc/passwd'
  const purge = await ask(tool('purge'), { yes: ['purge'], mode: 'override' })
  assert.deepEqual([purge.code, purge.asked], ['unknown_name', []])
  const read = { method: 'resources/read', params: { uri } }
  const escaped = await ask(read, { yes: [uri], mode: 'override' })
  assert.deepEqual([escaped.code !== 'passed', escaped.asked], [true, []])
})

test('plumbing is not asked about, in either mode', async () => {
  for (const mode of ['and', 'override'] as const) {
    for (const method of ['tools/list', 'ping']) {
      const { code, asked } = await ask({ method, params: {} }, { mode })
      assert.deepEqual([code, asked], ['passed', []])
    }
  }
})

test('a stream to listen on is opened without what the decision point refuses', async () => {
  const uris = ['file:///pub/a', 'file:///pub/b', 'file:///pub/secret/c']
  const params = { _meta: META, notifications: { resourceSubscriptions: uris } }
  const message = { method: 'subscriptions/listen', params }
  const { code, asked, said } = await ask(message, {
    yes: ['file:///pub/a', 'file:///pub/secret/c'],
  })
  assert.deepEqual(asked, uris.slice(0, 2))
  assert.deepEqual(
    [code, said],
    ['passed without file:///pub/secret/c without file:///pub/b', 'allow'],
  )
})

test('who may not connect opens no stream to listen on, and nobody is asked about what it would follow', async () => {
  const uris = ['file:///pub/a', 'file:///pub/secret/c']
  const params = { _meta: META, notifications: { resourceSubscriptions: uris } }
  const message = { method: 'subscriptions/listen', params }
  const rules = RULES.filter(({ id }) => id === 'never')
  const { code, asked } = await ask(message, { yes: uris, mode: 'override', rules })
  assert.deepEqual([code, asked], ['policy_denied', []])
})

test('what a rule requires is not got by a decision point that overrides, with an allow rule or without', async () => {
  const require = { approval: { by: 'subject' } }
  const off = { resources: undefined, credential: undefined }
  const held = { ...RULES[0], ...off, id: 'held', effect: 'require', require }
  const options = { yes: ['read'], mode: 'override' } as const
  const bare = await ask(tool('read'), { ...options, rules: [held] })
  assert.deepEqual([bare.code, bare.asked], ['unknown_name', []])
  const allowed = await ask(tool('read'), { ...options, rules: [...RULES, held] })
  assert.deepEqual([allowed.code, allowed.asked], ['approval_required', ['read']])
})
