import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const env = { PDP_TOKEN: 'k7J2mQ9x-pdp' }

function config(general: string, own = ''): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
${general}
servers:
  docs: { upstream: 'https://docs.test/mcp', anonymous: true${own} }
  wiki: { upstream: 'https://wiki.test/mcp', anonymous: true }
`
}

const POINT = "decision_point: { url: 'https://pdp.test/access/v1/evaluation' }"

test('a decision point has the defaults the reference names, and is one for all servers', async () => {
  const { servers } = await settingsOf(config(POINT))
  assert.deepEqual(servers[0]!.decisionPoint, {
    url: 'https://pdp.test/access/v1/evaluation',
    token: undefined,
    mode: 'and',
    timeoutMs: 250,
    maxConcurrent: 64,
    cacheMs: 0,
    sendsArguments: false,
  })
  assert.equal(servers[0]!.decisionPoint, servers[1]!.decisionPoint)
})

test('there is none without one, and a server may have its own or none', async () => {
  const [none] = (await settingsOf(config(''))).servers
  assert.equal(none!.decisionPoint, undefined)
  const own = ", decision_point: { url: 'http://127.0.0.1:9/e', mode: override, cache: 2s }"
  const [docs, wiki] = (await settingsOf(config(POINT, own))).servers
  assert.deepEqual([docs!.decisionPoint?.mode, docs!.decisionPoint?.cacheMs], ['override', 2_000])
  assert.equal(wiki!.decisionPoint?.mode, 'and')
  const [opted] = (await settingsOf(config(POINT, ', decision_point: none'))).servers
  assert.equal(opted!.decisionPoint, undefined)
})

test('its token comes from where secrets come from', async () => {
  const point = POINT.replace(' }', ", token: '${env:PDP_TOKEN}' }")
  const [docs] = (await settingsOf(config(point), { env })).servers
  assert.equal(docs!.decisionPoint?.token?.reveal(), env.PDP_TOKEN)
  const literal = await problemsOf(config(POINT.replace(' }', ', token: abc }')))
  assert.match(literal.join(), /^4:\d+ decision_point\.token: a secret must not stand/)
})

test('what would wait too long, remember too long or be overheard is refused', async () => {
  for (const [change, says] of [
    ['timeout: 5ms', /decision_point\.timeout: must be between 10ms and 10s/],
    ['timeout: 11s', /decision_point\.timeout: must be between 10ms and 10s/],
    ['cache: 6m', /decision_point\.cache: must be at most 5m/],
    ['mode: or', /decision_point\.mode/],
    ['on_error: allow', /unknown key "on_error"/],
  ] as const) {
    const problems = await problemsOf(config(POINT.replace(' }', `, ${change} }`)))
    assert.match(problems.join(), says)
  }
  const plain = await problemsOf(config("decision_point: { url: 'http://pdp.test/e' }"))
  assert.match(plain.join(), /^4:\d+ decision_point\.url: whoever is on the way/)
  const own = ", decision_point: { url: 'http://pdp.test/e' }"
  assert.match((await problemsOf(config('', own))).join(), /servers\.docs\.decision_point\.url/)
})
