/** What is not MCP, on its way up and down: targets that are taken, and headers that travel. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { SideRoute } from '../model/server.ts'
import { testCaller, testDesk, testJourney, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Answer, Sink, Source } from '../upstream/answer.ts'
import { emptyHead } from './admit.ts'
import { askSide } from './ask-side.ts'
import { frameOf } from './frame.ts'
import { judge } from './judge.ts'
import { buildRoutes, findSide } from './route.ts'
import { showSide } from './show-side.ts'
import { hasBody } from './side-frame.ts'
import type { Seated } from './visit.ts'

const ROUTE: SideRoute = {
  path: '/docs-ui',
  upstreamPath: '/ui',
  methods: new Set(['GET', 'PUT', 'DELETE']),
  requestHeaders: new Set(['accept', 'x-wanted']),
  responseHeaders: new Set(['content-type', 'x-shown']),
  authentication: 'required',
  sandboxed: true,
  policyMethod: 'web/ui',
}

const RULES = [{ id: 'ui', effect: 'allow', subjects: [{ any: true }], methods: ['web/ui'] }]

type Over = { method?: string; target?: string; rawHeaders?: readonly string[]; route?: SideRoute }

function seatFor({ method = 'GET', target = '/docs-ui', rawHeaders = [], route }: Over): Seated {
  const own = { httpMethod: method, target, rawHeaders, side: route ?? ROUTE }
  return Object.assign(testSeat(), own) as unknown as Seated
}

async function permitFor(over: Over, rules = RULES): Promise<Permit> {
  return await judge(frameOf(seatFor(over), undefined), testCaller(), testDesk(rules))
}

/** The path that goes up of a target. */
async function pathUp(over: Over): Promise<string> {
  await permitFor(over)
  const asked = { route: over.route ?? ROUTE, seat: seatFor(over), body: undefined }
  return askSide(asked, { formatTrace: () => undefined }).path
}

function refusedAs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.code === code
}

test('a route is found by whole segments, and asks for a credential as it says itself', () => {
  const open: SideRoute = { ...ROUTE, path: '/open', authentication: 'none' }
  const server = testServer({ routes: [ROUTE, open], anonymous: true })
  const site = buildRoutes([server], []).sites.get(server.host)
  assert.ok(site !== undefined)
  const found = (target: string) => findSide(site, target)
  for (const target of ['/docs-ui', '/docs-ui?q=1', '/docs-ui/a/b']) {
    assert.equal(found(target)?.route, ROUTE, target)
  }
  for (const target of ['/docs-uix', '/docs', '/', '/mcp', '/a/docs-ui', '/DOCS-UI']) {
    assert.equal(found(target), undefined, target)
  }
  assert.deepEqual(
    [found('/docs-ui')?.server.anonymous, found('/open')?.server.anonymous],
    [false, true],
  )
})

test('a path goes up below the prefix of the server, with its query as it came', async () => {
  for (const [target, up] of [
    ['/docs-ui', '/ui'],
    ['/docs-ui?a=b', '/ui?a=b'],
    ['/docs-ui/', '/ui/'],
    ["/docs-ui/a~b/(c)'!$&*+,=:@", "/ui/a~b/(c)'!$&*+,=:@"],
    ['/docs-ui/x?q=%2e%2e&u=//h/../%00?y', '/ui/x?q=%2e%2e&u=//h/../%00?y'],
  ] as const) {
    assert.equal(await pathUp({ target }), up)
  }
  const root = { ...ROUTE, upstreamPath: '' }
  assert.equal(await pathUp({ target: '/docs-ui', route: root }), '/')
  assert.equal(await pathUp({ target: '/docs-ui/x', route: root }), '/x')
})

test('what two readers could take for two paths is refused before policy is asked', () => {
  const odd = ['%2e', ';a', '"', '<', '|', '^', '`', '{', '[', 'é']
  const queries = ['a"b', 'a\\b', 'a#b', 'a b', 'access_token=1', 'a&ACCESS_TOKEN', 'é']
  const targets = [
    ...odd.map((part) => `/docs-ui/${part}`),
    ...queries.map((query) => `/docs-ui?${query}`),
  ]
  for (const target of targets) {
    assert.throws(() => frameOf(seatFor({ target }), undefined), refusedAs('bad_target'), target)
  }
  assert.ok(frameOf(seatFor({ target: '/docs-ui?my_access_token=1' }), undefined))
})

test('a method the route does not name is refused, and only what has content is read', () => {
  for (const method of ['POST', 'HEAD', 'TRACE', 'get']) {
    assert.throws(() => frameOf(seatFor({ method }), undefined), refusedAs('method_not_allowed'))
    assert.equal(hasBody(seatFor({ method })), false)
  }
  assert.deepEqual(
    ['GET', 'PUT', 'DELETE'].map((method) => hasBody(seatFor({ method }))),
    [false, true, false],
  )
  assert.ok(hasBody({ httpMethod: 'POST', side: undefined }))
})

test('policy must allow the method that the route names, and nothing else does', async () => {
  const { rule, call } = await permitFor({ target: '/docs-ui/a?b=c' })
  assert.deepEqual([rule, call.kind, call.method], ['ui', 'route', 'web/ui'])
  assert.deepEqual(call.targets, [{ kind: 'resource', name: 'http://127.0.0.1:8787/docs-ui/a' }])
  const tools = [{ id: 'tools', effect: 'allow', subjects: [{ any: true }], tools: ['docs/*'] }]
  await assert.rejects(permitFor({}, tools as never), refusedAs('policy_denied'))
  const denied = [...RULES, { ...RULES[0], id: 'no', effect: 'deny' }]
  await assert.rejects(permitFor({}, denied as never), refusedAs('policy_denied'))
})

test('of the headers of a caller those named go up, once, and the credential is the operator’s', () => {
  const injected = ['X-Wanted', 'operator-secret']
  const rawHeaders = [
    'Accept',
    'text/html',
    'x-WANTED',
    'mine',
    'Authorization',
    'a',
    'Cookie',
    'c',
  ]
  const ask = (headers: readonly string[]) => {
    const seat = { ...seatFor({ rawHeaders: headers }), injected }
    return askSide({ route: ROUTE, seat, body: undefined }, { formatTrace: () => '00-t-s-01' })
  }
  assert.deepEqual(ask(rawHeaders).headers, {
    accept: 'text/html',
    'accept-encoding': 'identity',
    traceparent: '00-t-s-01',
    'x-wanted': 'operator-secret',
  })
  assert.throws(() => ask(['Accept', 'a', 'ACCEPT', 'b']), refusedAs('bad_header'))
})

/** An answer of a server, and what was done with its body. */
function answered(status: number, headers: Record<string, string | string[]>, route = ROUTE) {
  const aborted: unknown[] = []
  const source: Source = {
    pipe: (sink: Sink) => sink.end(),
    pause: () => undefined,
    resume: () => undefined,
    abort: (reason) => void aborted.push(reason),
  }
  const answer = {
    status,
    headers,
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    body: { kind: 'stream', source },
  } as unknown as Answer
  const warned: string[] = []
  const show = () => {
    const permit = { server: testServer() } as unknown as Permit
    const injected = ['X-Key', 'operator-secret']
    const seat = { journey: testJourney(), head: emptyHead(), injected } as unknown as Seated
    return showSide({ answer, permit, seat }, route, {
      routes: { sites: new Map(), allowedOrigins: new Set() },
      emit: (event) => void warned.push(event.type),
    })
  }
  return { show, aborted, warned }
}

function headersOf(flat: readonly string[]): Readonly<Record<string, string>> {
  const pairs = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []))
  return Object.fromEntries(pairs) as Record<string, string>
}

test('of the headers of a server those named come down, and pages are kept from the gateway’s own', () => {
  const sent = { 'content-type': 'text/html', 'x-shown': 'y', 'x-hidden': 'n', server: 's' }
  const { headers } = answered(200, sent).show()
  const { 'content-security-policy': csp, ...rest } = headersOf(headers)
  assert.match(csp ?? '', /^sandbox /)
  assert.doesNotMatch(csp ?? '', /allow-same-origin/)
  assert.deepEqual(rest, {
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-type': 'text/html',
    'x-shown': 'y',
  })
  const own = { ...ROUTE, sandboxed: false, responseHeaders: new Set(['cache-control']) }
  const cached = answered(200, { 'cache-control': 'max-age=5', 'x-shown': 'y' }, own)
  assert.deepEqual(headersOf(cached.show().headers), {
    'x-content-type-options': 'nosniff',
    'cache-control': 'max-age=5',
  })
})

test('a header with the credential in it, or sent twice, does not come down', () => {
  const { show, warned } = answered(200, {
    'content-type': 'text/plain',
    'x-shown': 'key operator-secret',
  })
  assert.equal(headersOf(show().headers)['x-shown'], undefined)
  assert.deepEqual(warned, ['warning'])
  const twice = answered(200, { 'x-shown': ['a', 'b'] })
  assert.equal(headersOf(twice.show().headers)['x-shown'], undefined)
})

test('redirects, challenges and coded answers are for nobody, and their bodies are given up', () => {
  for (const status of [300, 302, 307, 308, 401, 403, 407]) {
    const { show, aborted } = answered(status, { location: '/x' })
    assert.throws(show, refusedAs('upstream_unavailable'))
    assert.equal(aborted.length, 1)
  }
  assert.throws(answered(200, { 'content-encoding': 'gzip' }).show, Refusal)
  for (const status of [200, 204, 304, 404, 503]) {
    assert.equal(answered(status, {}).show().status, status)
  }
})
