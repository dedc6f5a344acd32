/** Pages of tools (MCP Apps): who may read them, and what of them is shown. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { scan } from '../mcp/scan.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import { judge } from './judge.ts'
import { learnList } from './learn-list.ts'
import { showMessage } from './show-message.ts'

type TestDesk = ReturnType<typeof testDesk>

const PAGE = 'ui://docs/form.html'
const ALLOW = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [{ id: 'form', ...ALLOW, tools: ['docs/form'] }]

const response = (result: unknown): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))

const tool = (name: string, resourceUri: string): unknown => ({
  name,
  _meta: { ui: { resourceUri } },
})

/** The list of the server passes by. */
function teach(desk: TestDesk): void {
  const bytes = response({ tools: [tool('form', PAGE), tool('wipe', 'ui://docs/wipe.html')] })
  const listed = [{ kind: 'tool', name: 'form' } as const, { kind: 'tool', name: 'wipe' } as const]
  learnList(desk.catalogue, 'docs', { bytes, listed, era: 'modern' })
}

function ask(
  desk: TestDesk,
  method: string,
  uri: string,
  pin: McpServer['pin'] = 'watch',
): Promise<Permit> {
  const params = method === 'resources/list' ? {} : { uri }
  const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok)
  const content = { kind: 'message', message: scanned.messages[0]! } as const
  const seat = testSeat({ server: testServer({ pin }) })
  return judge({ seat, direction: 'up', content }, testCaller(), desk)
}

function shown(permit: Permit, result: unknown, desk: TestDesk): unknown {
  const bytes = response(result)
  const showing = { bytes, id: '1', permit, seat: testSeat(), answers: 'this_call' } as const
  const read = showMessage(showing, desk)
  assert.ok(read.ok)
  return (JSON.parse(Buffer.from(read.bytes).toString()) as { result: unknown }).result
}

const hidden = (error: unknown): boolean =>
  error instanceof Refusal && error.code === 'unknown_name'

test('the page of an allowed tool may be read, by the rule of the tool; that of a hidden one may not', async () => {
  const desk = testDesk(RULES)
  teach(desk)
  assert.equal((await ask(desk, 'resources/read', PAGE)).rule, 'form')
  assert.deepEqual(desk.lookedUp, [])
  for (const uri of ['ui://docs/wipe.html', 'ui://docs/form.html2', 'ui://docs']) {
    await assert.rejects(ask(desk, 'resources/read', uri), hidden, uri)
  }
  await assert.rejects(ask(desk, 'resources/subscribe', PAGE), hidden)
})

test('a list of tools that this process has not seen is asked for, once it may matter', async () => {
  const desk = testDesk(RULES)
  const asked: string[] = []
  const looking: TestDesk = {
    ...desk,
    lookUp: async ({ kind, name }) => {
      asked.push(`${kind} ${name}`)
      teach(desk)
      return false
    },
  }
  assert.equal((await ask(looking, 'resources/read', PAGE)).rule, 'form')
  await assert.rejects(ask(looking, 'resources/read', 'file:///x'), hidden)
  assert.deepEqual(asked, ['tool '])
  const stranger = { ...looking, rules: testDesk([]).rules }
  await assert.rejects(ask(stranger, 'resources/read', 'ui://docs/other'), hidden)
  const denied = testDesk([
    ...RULES,
    { ...ALLOW, id: 'no', effect: 'deny', resources: ['docs:**'] },
  ])
  await assert.rejects(ask({ ...looking, rules: denied.rules }, 'resources/read', PAGE), hidden)
  assert.deepEqual(asked, ['tool '])
})

test('lists and answers show the pages of allowed tools only', async () => {
  const desk = testDesk(RULES)
  teach(desk)
  const pages = [{ uri: PAGE }, { uri: 'ui://docs/wipe.html' }, { uri: 'file:///x' }]
  const list = await ask(desk, 'resources/list', PAGE)
  assert.deepEqual(shown(list, { resources: pages }, desk), { resources: [{ uri: PAGE }] })
  const read = await ask(desk, 'resources/read', PAGE)
  assert.deepEqual(shown(read, { contents: pages }, desk), { contents: [{ uri: PAGE }] })
})

test('the page of a tool that is kept back is kept back with it, and listed to nobody', async () => {
  const desk = testDesk(RULES)
  teach(desk)
  for (const text of ['before', 'after']) {
    await desk.pins.prepare('docs', 'somebody')
    const definitions = (): ReadonlyMap<string, string> => new Map([['form', text]])
    const page = undefined
    desk.pins.observe({ server: 'docs', holds: true, audience: 'somebody', page, definitions })
  }
  await assert.rejects(ask(desk, 'resources/read', PAGE, 'hold'), hidden)
  const list = await ask(desk, 'resources/list', PAGE, 'hold')
  assert.deepEqual(shown(list, { resources: [{ uri: PAGE }] }, desk), { resources: [] })
  assert.equal((await ask(desk, 'resources/read', PAGE, 'watch')).rule, 'form')
})

test('what tools are called, what they say and their pages are learned of a list behind another one', () => {
  const { catalogue } = testDesk(RULES)
  const annotated = { ...(tool('form', PAGE) as object), annotations: { readOnlyHint: true } }
  const bytes = response({ prompts: [{ name: 'p' }], tools: [annotated] })
  const listed = [{ kind: 'prompt', name: 'p' } as const, { kind: 'tool', name: 'form' } as const]
  learnList(catalogue, 'docs', { bytes, listed, era: 'modern' })
  assert.equal(catalogue.traits('docs', 'form')[0]?.readOnlyHint, true)
  assert.deepEqual(catalogue.toolsOf('docs', PAGE), ['form'])
})
