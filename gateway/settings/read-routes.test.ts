import assert from 'node:assert/strict'
import { test } from 'node:test'

import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const UP = `upstream: 'https://up.example/mcp'`

/** A configuration whose servers begin on line 6. */
function servers(text: string, publicUrl = 'https://mcp.example'): string {
  return `version: 1
public_url: ${publicUrl}
policies: [policy.yaml]
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
servers:
${text}
`
}

function withRoute(route: string, more = ''): string {
  return servers(`  docs: { ${UP}, ${more} routes: [{ policy_method: web/ui, ${route} }] }`)
}

async function fault(text: string): Promise<string> {
  const problems = await problemsOf(text)
  assert.equal(problems.length, 1, problems.join('\n'))
  return problems[0] ?? ''
}

test('a route has the defaults the reference names, and the path of public_url before its own', async () => {
  const text = servers(
    `  docs: { ${UP}, routes: [{ path: /ui, policy_method: web/ui }] }`,
    'https://mcp.example/gate',
  )
  const { servers: found } = await settingsOf(text)
  assert.deepEqual(found[0]?.routes, [
    {
      path: '/gate/ui',
      upstreamPath: '/ui',
      methods: new Set(['GET', 'HEAD']),
      requestHeaders: new Set(['accept', 'accept-language', 'content-type']),
      responseHeaders: new Set([
        'content-type',
        'content-language',
        'cache-control',
        'etag',
        'last-modified',
      ]),
      authentication: 'required',
      sandboxed: true,
      policyMethod: 'web/ui',
    },
  ])
})

test('the root of a server is written as a slash', async () => {
  const { servers: found } = await settingsOf(withRoute('path: /ui, upstream_path: /'))
  assert.equal(found[0]?.routes[0]?.upstreamPath, '')
})

test('pages get an origin of their own wherever the gateway has pages, and nowhere else', async () => {
  const sandboxed = async (host: string): Promise<unknown> => {
    const { servers: found } = await settingsOf(withRoute('path: /ui', host))
    return found[0]?.routes[0]?.sandboxed
  }
  assert.equal(await sandboxed(''), true)
  assert.equal(await sandboxed('host: mcp.example,'), true)
  assert.equal(await sandboxed('host: docs.example,'), false)
})

test('a path that two readers could resolve differently is refused with its place', async () => {
  for (const path of ['ui', '/', '/ui/', '/a/../b', '/a//b', "'/a%2fb'", "'/a;b'"]) {
    assert.match(await fault(withRoute(`path: ${path}`)), /6:\d+ servers\.docs\.routes\[0\]\.path/)
    if (path === '/') continue
    const up = withRoute(`path: /ui, upstream_path: ${path}`)
    assert.match(await fault(up), /servers\.docs\.routes\[0\]\.upstream_path/)
  }
})

test('a route must not stand where something else is served', async () => {
  for (const path of ['/mcp', '/mcp/x', '/.well-known', '/.well-known/x']) {
    const problem = await fault(withRoute(`path: ${path}`))
    assert.match(problem, /overlaps the path of server "docs"|belongs to the gateway/, path)
  }
  const two = `routes: [{ policy_method: web/ui, path: /a }, { policy_method: web/ui, path: /a/b }]`
  const problems = await problemsOf(servers(`  docs: { ${UP}, ${two} }`))
  assert.equal(problems.filter((text) => text.includes('overlaps another route')).length, 2)
  assert.deepEqual(await problemsOf(withRoute('path: /mcpx')), [])
})

test('a route of one server must not stand where another has its own, unless on another host', async () => {
  const pair = (host: string): string =>
    servers(
      `  docs: { ${UP}, routes: [{ policy_method: web/ui, path: /ui }] }\n` +
        `  wiki: { ${UP}, ${host} path: /ui/mcp }`,
    )
  assert.match(await fault(pair('')), /overlaps the path of server "wiki", \/ui\/mcp/)
  assert.deepEqual(await problemsOf(pair('host: wiki.example,')), [])
})

test('headers that belong to a connection, a caller or the gateway are never passed on', async () => {
  const never = {
    request_headers: ['Cookie', 'authorization', 'X-Forwarded-For', 'Mcp-Session-Id', 'TE', 'Host'],
    response_headers: ['Set-Cookie', 'LOCATION', 'Access-Control-Allow-Origin', 'Clear-Site-Data'],
  }
  for (const [key, names] of Object.entries(never)) {
    for (const name of names) {
      const problem = await fault(withRoute(`path: /ui, ${key}: [Accept, ${name}]`))
      assert.match(problem, new RegExp(`routes\\[0\\]\\.${key}\\[1\\]: ${name} is never passed on`))
    }
  }
  for (const name of ['X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override']) {
    const problem = await fault(withRoute(`path: /ui, request_headers: [${name}]`))
    assert.match(problem, /never passed on/)
  }
})

test('nobody without a credential is served with one of the operator', async () => {
  const credential = `credential: { header: X-Key, value: '\${env:KEY}' },`
  const open = withRoute('path: /ui, authentication: none', credential)
  const chosen = withRoute(
    'path: /ui, authentication: none',
    `credentials: { own: { header: X-Key, value: '\${env:KEY}' } },`,
  )
  for (const text of [open, chosen]) {
    const problems = await problemsOf(text, { env: { KEY: 'k'.repeat(16) } })
    assert.match(problems.join('\n'), /authentication: none together with a credential/)
  }
})

test('the environment must not make the package that carries routes follow redirects', async () => {
  const world = { env: { FORCE_FETCH_PATH: 'true' } }
  const problems = await problemsOf(withRoute('path: /ui'), world)
  assert.match(problems.join('\n'), /servers\.docs\.routes.*FORCE_FETCH_PATH/)
  assert.deepEqual(await problemsOf(servers(`  docs: { ${UP} }`), world), [])
})
