import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { testServer } from '../testkit/pipeline.ts'
import { emptyHead } from './admit.ts'
import { buildRoutes, findServer, findSite } from './route.ts'

const DOCS = testServer({
  host: 'gw.example',
  path: '/mcp/docs',
  resource: 'https://gw.example/mcp/docs',
})
const MAIL = testServer({
  name: 'mail',
  host: 'mail.example',
  path: '/mcp/mail',
  resource: 'https://mail.example/mcp/mail',
})
const ROUTES = buildRoutes([DOCS, MAIL], ['https://app.example'])

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error.code
  }
  return 'passed'
}

const site = (host: string | undefined, origin?: string) =>
  findSite({ ...emptyHead(), host, origin }, ROUTES)

test('a path reaches the server configured under exactly that host and path', () => {
  assert.equal(findServer(site('gw.example'), '/mcp/docs').name, 'docs')
  assert.equal(findServer(site('GW.Example'), '/mcp/docs?x=1').name, 'docs')
})

test('a server of another host is not there', () => {
  assert.equal(
    codeOf(() => findServer(site('gw.example'), '/mcp/mail')),
    'not_found',
  )
})

for (const target of ['/mcp/docs/', '/MCP/docs', '/mcp', '/', '/mcp/docs.', '/mcp/doc']) {
  test(`${target} is not a server, however close it is to one`, () => {
    assert.equal(
      codeOf(() => findServer(site('gw.example'), target)),
      'not_found',
    )
  })
}

test('operators read which path is none of ours, and neither its query nor a token in it', () => {
  assert.throws(() => findServer(site('gw.example'), '/mcp/doc/gh_Secret0123456?t=secret'), {
    code: 'not_found',
    extra: { detail: 'asked: /mcp/doc/*' },
  })
})

test('a host that is not ours is misdirected, also without a Host header', () => {
  assert.equal(
    codeOf(() => site('evil.example')),
    'misdirected',
  )
  assert.equal(
    codeOf(() => site('gw.example:8443')),
    'misdirected',
  )
  assert.equal(
    codeOf(() => site(undefined)),
    'misdirected',
  )
})

test('an Origin must be our own or a configured one', () => {
  assert.equal(
    codeOf(() => site('gw.example')),
    'passed',
  )
  assert.equal(
    codeOf(() => site('gw.example', 'https://gw.example')),
    'passed',
  )
  assert.equal(
    codeOf(() => site('gw.example', 'https://app.example')),
    'passed',
  )
  for (const origin of [
    'https://evil.example',
    'http://gw.example',
    'null',
    'https://app.example.evil',
  ]) {
    assert.equal(
      codeOf(() => site('gw.example', origin)),
      'origin_forbidden',
    )
  }
})

test('a loopback server answers to all three loopback names and to no other', () => {
  const routes = buildRoutes([testServer()], [])
  for (const host of ['127.0.0.1:8787', 'localhost:8787', '[::1]:8787']) {
    assert.equal(
      codeOf(() => findSite({ ...emptyHead(), host }, routes)),
      'passed',
    )
    assert.equal(
      codeOf(() => findSite({ ...emptyHead(), host, origin: `http://${host}` }, routes)),
      'passed',
    )
  }
  for (const host of ['127.0.0.1', '127.0.0.1:1', 'localhost.evil:8787', '127.0.0.2:8787']) {
    assert.equal(
      codeOf(() => findSite({ ...emptyHead(), host }, routes)),
      'misdirected',
    )
  }
})
