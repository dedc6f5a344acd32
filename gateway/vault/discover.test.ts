import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createWeb, ISSUER, REMOTE, remotePages, SERVER } from '../testkit/web.ts'
import { discover } from './discover.ts'
import { DiscoveryError } from './metadata-document.ts'

const PATH_FORM = 'GET https://mcp.acme.example/.well-known/oauth-protected-resource/mcp'
const ROOT_FORM = 'GET https://mcp.acme.example/.well-known/oauth-protected-resource'
const METADATA = 'GET https://login.example/.well-known/oauth-authorization-server/t1'

function challenge(text: string): Response {
  return new Response(null, { status: 401, headers: { 'www-authenticate': text } })
}

/** Why nothing was found. */
async function fault(
  ...[pages, more]: [Parameters<typeof createWeb>[0], object?]
): Promise<string> {
  const { fetches } = createWeb(pages)
  const error = await discover({ ...REMOTE, ...more }, fetches).catch((reason: unknown) => reason)
  assert.ok(error instanceof DiscoveryError, String(error))
  return error.message
}

test('A server is asked without a token, then its metadata, then its authorization server’s', async () => {
  const { fetches, asked } = createWeb(remotePages())
  const { authority, resource, scopes } = await discover(REMOTE, fetches)
  assert.equal(authority.issuer, ISSUER)
  assert.equal(authority.tokenUrl, `${ISSUER}/token`)
  assert.deepEqual([resource, scopes], [SERVER, []])
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${url}`),
    [`POST ${SERVER}`, PATH_FORM, METADATA],
  )
})

test('The challenge says where the metadata is, and no other place is tried', async () => {
  const named = 'https://mcp.acme.example/custom.json'
  const own = remotePages()
  const asking = challenge(`Bearer resource_metadata="${named}"`)
  const pages = { ...own, [`POST ${SERVER}`]: asking }
  assert.match(await fault(pages), /custom\.json: status 404/)
  const moved = { ...pages, [`GET ${named}`]: own[PATH_FORM]! }
  assert.equal((await discover(REMOTE, createWeb(moved).fetches)).resource, SERVER)
})

test('Scopes are those of the challenge, else those of the metadata, else none', async () => {
  const pages = remotePages({ resource: { scopes_supported: ['read', 'write'] } })
  const found = await discover(REMOTE, createWeb(pages).fetches)
  assert.deepEqual(found.scopes, ['read', 'write'])
  const asked = { ...pages, [`POST ${SERVER}`]: challenge('Bearer scope="basic"') }
  assert.deepEqual((await discover(REMOTE, createWeb(asked).fetches)).scopes, ['basic'])
})

test('Metadata at the root may name the host as the resource, which is then asked for to the letter', async () => {
  const { [PATH_FORM]: own, ...pages } = remotePages({
    resource: { resource: 'https://mcp.acme.example' },
  })
  const found = await discover(REMOTE, createWeb({ ...pages, [ROOT_FORM]: own! }).fetches)
  assert.equal(found.resource, 'https://mcp.acme.example')
})

test('Metadata about another resource is refused: a token for that one must not come here', async () => {
  for (const resource of [
    'https://evil.example/mcp',
    'https://mcp.acme.example/mcp2',
    'https://mcp.acme.example/mcp/deeper',
    'http://mcp.acme.example/mcp',
    'https://mcp.acme.example/mcp?tenant=2',
    'mcp',
    17,
  ]) {
    const message = await fault(remotePages({ resource: { resource } }))
    assert.match(message, /oauth-protected-resource\/mcp: (is about|has no resource)/)
  }
})

test('An issuer is believed only where its metadata names it to the letter', async () => {
  for (const issuer of ['https://evil.example', `${ISSUER}/`, undefined]) {
    assert.match(await fault(remotePages({ authority: { issuer } })), /names (the|no) issuer/)
  }
})

test('The metadata of an issuer with a path is looked for at three places, and not at its root', async () => {
  const { [METADATA]: own, ...pages } = remotePages()
  const { fetches, asked } = createWeb({
    ...pages,
    [`GET ${ISSUER}/.well-known/openid-configuration`]: own!,
  })
  await discover(REMOTE, fetches)
  assert.deepEqual(
    asked.slice(2).map(({ url }) => url),
    [
      'https://login.example/.well-known/oauth-authorization-server/t1',
      'https://login.example/.well-known/openid-configuration/t1',
      'https://login.example/t1/.well-known/openid-configuration',
    ],
  )
  assert.match(await fault(pages), /"https:\/\/login\.example\/t1" has no metadata \(/)
})

for (const [what, authority, message] of [
  ['without PKCE', { code_challenge_methods_supported: undefined }, /S256/],
  ['with plain PKCE', { code_challenge_methods_supported: ['plain'] }, /S256/],
  ['without a token endpoint', { token_endpoint: undefined }, /token_endpoint is missing/],
  [
    'whose consent page is a script',
    { authorization_endpoint: 'javascript:alert(1)' },
    /authorization_endpoint is missing, or no https URL/,
  ],
  ['in the clear', { token_endpoint: 'http://login.example/token' }, /no https URL/],
] as const) {
  test(`An authorization server ${what} is refused`, async () => {
    assert.match(await fault(remotePages({ authority })), message)
  })
}

test('What a server names is reached on the public internet only; its own origin was configured', async () => {
  const { fetches, asked } = createWeb(remotePages())
  await discover(REMOTE, fetches)
  assert.deepEqual(
    asked.map(({ reach }) => reach),
    ['any', 'any', 'public'],
  )
  const elsewhere = challenge('Bearer resource_metadata="https://10.0.0.7/prm"')
  const lured = createWeb({ ...remotePages(), [`POST ${SERVER}`]: elsewhere })
  await assert.rejects(discover(REMOTE, lured.fetches), DiscoveryError)
  assert.equal(lured.asked.at(-1)?.reach, 'public')
})

test('A server on this machine may name others there; one elsewhere may not', async () => {
  const local = 'http://localhost:1/mcp'
  const issuer = 'http://localhost:2'
  const authority = { issuer, authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t` }
  const [, metadata] = Object.values(remotePages({ authority }))
  const { fetches, asked } = createWeb({
    'GET http://localhost:1/.well-known/oauth-protected-resource/mcp': {
      resource: local,
      authorization_servers: [issuer],
    },
    [`GET ${issuer}/.well-known/oauth-authorization-server`]: metadata!,
  })
  await discover({ ...REMOTE, discover: local }, fetches)
  assert.ok(asked.every(({ reach }) => reach === 'any'))
  const names = { resource: { authorization_servers: [issuer] } }
  assert.match(await fault(remotePages(names)), /must be an https URL/)
})

test('A configured issuer is the only one, wherever it is', async () => {
  const message = await fault(remotePages(), { issuer: 'https://sso.corp.example' })
  assert.match(message, /takes tokens of "https:\/\/login\.example\/t1", and https:\/\/sso\.corp/)
  const { fetches, asked } = createWeb(remotePages())
  await discover({ ...REMOTE, issuer: ISSUER }, fetches)
  assert.equal(asked.at(-1)?.reach, 'any')
})

test('A server of before resource metadata has its authorization server at its own origin', async () => {
  const issuer = 'https://mcp.acme.example'
  const [, metadata] = Object.values(remotePages({ authority: { issuer } }))
  const where = `GET ${issuer}/.well-known/oauth-authorization-server`
  const found = await discover(REMOTE, createWeb({ [where]: metadata! }).fetches)
  assert.deepEqual([found.resource, found.authority.issuer], [SERVER, issuer])
})
