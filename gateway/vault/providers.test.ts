import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { GatehouseEvent } from '../model/event.ts'
import type { RemoteProvider } from '../model/provider.ts'
import { Secret } from '../model/secret.ts'
import { ACME, testProviders } from '../testkit/acme.ts'
import { createWeb, ISSUER, REMOTE, remotePages, type Page } from '../testkit/web.ts'
import { DiscoveryError } from './metadata-document.ts'
import { isFrom } from './providers.ts'

const REGISTER = `POST ${ISSUER}/register`
const DOCUMENT = 'https://gw.example/connect/acme/client.json'

/** Registers clients c1, c2 … with secrets. */
function registrar(): Page {
  let count = 0
  return () => {
    count += 1
    const body = { client_id: `c${count}`, client_secret: `secret-of-c${count}` }
    return Response.json(body, { status: 201 })
  }
}

function setUp(remote: Partial<RemoteProvider> = {}, pages: Record<string, Page> = {}) {
  const web = createWeb({ ...remotePages(), [REGISTER]: registrar(), ...pages })
  const events: GatehouseEvent[] = []
  const clock = { nowMs: 1_000_000 }
  const now = (): number => clock.nowMs
  const providers = testProviders(new Map([['acme', { ...REMOTE, ...remote }]]), {
    fetchesOf: () => web.fetches,
    now,
    emit: (event) => void events.push(event),
  })
  const owner = { tenant: 'default', issuer: 'https://gw.example', subject: 'alice' }
  const begin = async (...wanted: string[]) => {
    const provider = await providers.begin('acme', wanted, owner)
    assert.ok(provider)
    return provider
  }
  const registrations = () => web.asked.filter(({ url }) => url.endsWith('/register'))
  return { ...web, providers, events, clock, begin, registrations }
}

test('A client is registered once for an issuer, and says what it needs', async () => {
  const { begin, events, registrations, clock } = setUp()
  const first = await begin()
  clock.nowMs += 3_600_000
  const second = await begin()
  assert.deepEqual([first.client.id, second.client.id], ['c1', 'c1'])
  assert.equal(second.client.secret?.reveal(), 'secret-of-c1')
  const [sent, ...more] = registrations()
  assert.deepEqual(more, [])
  assert.deepEqual(JSON.parse(sent?.body ?? ''), {
    client_name: 'Gatehouse at gw.example',
    client_uri: 'https://gw.example',
    redirect_uris: ['https://gw.example/connect/acme/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    application_type: 'web',
  })
  const told = events.filter(({ type }) => type === 'provider_registration')
  const facts = { provider: 'acme', issuer: ISSUER, ok: true, client: 'c1' }
  assert.deepEqual(told, [{ type: 'provider_registration', ...facts }])
  assert.doesNotMatch(JSON.stringify(events), /secret-of/)
})

test('The resource is in every request, and a challenge of S256', async () => {
  const { begin } = setUp({ authorizeParameters: { prompt: 'consent' } })
  const provider = await begin()
  const resource = REMOTE.discover
  assert.deepEqual(provider.authorizeParameters, { prompt: 'consent', resource })
  assert.deepEqual(provider.tokenParameters, { resource })
  assert.ok(provider.pkce)
  assert.equal(provider.reach, 'public')
})

test('A client whose secret is about to end, and one that was forgotten, are not begun with', async () => {
  const ends = Response.json({
    client_id: 'short',
    client_secret: 'for-an-hour',
    client_secret_expires_at: 1_000 + 3_600,
  })
  const { begin, clock, pages, providers, registrations } = setUp({}, { [REGISTER]: ends })
  assert.equal((await begin()).client.id, 'short')
  pages[REGISTER] = registrar()
  clock.nowMs += 3_000_000
  const renewed = await begin()
  assert.equal(renewed.client.id, 'c1')
  assert.equal(await providers.forget(renewed), true)
  assert.equal((await begin()).client.id, 'c2')
  // What is told of a client that is not the current one changes nothing.
  await providers.forget(renewed)
  assert.equal((await begin()).client.id, 'c2')
  assert.equal(registrations().length, 3)
})

test('Who is not sent back by an issuer tries again, the third time as a new client', async () => {
  const { begin, clock, providers } = setUp()
  const ids: string[] = []
  for (let tries = 0; tries < 4; tries += 1) ids.push((await begin()).client.id)
  // The first is not counted: that client is new to everybody.
  assert.deepEqual(ids, ['c1', 'c1', 'c1', 'c2'])
  const other = { tenant: 'default', issuer: 'https://gw.example', subject: 'bob' }
  assert.equal((await providers.begin('acme', [], other))?.client.id, 'c2')
  clock.nowMs += 600_000
  assert.equal((await begin()).client.id, 'c2')
})

test('One person has an issuer register so many clients in a day, and then goes on with the last', async () => {
  const { begin, clock, providers, registrations } = setUp()
  for (let tries = 0; tries < 40; tries += 1) await begin()
  assert.equal(registrations().length, 5)
  assert.equal((await begin()).client.id, 'c5')
  // Whoever has it forgotten gets no other one either.
  await providers.forget(await begin())
  await assert.rejects(begin(), DiscoveryError)
  const bob = { tenant: 'default', issuer: 'https://gw.example', subject: 'bob' }
  assert.equal((await providers.begin('acme', [], bob)).client.id, 'c6')
  clock.nowMs += 86_400_000
  assert.equal((await begin()).client.id, 'c6')
})

test('Another issuer gets another client, and none of what the first one gave', async () => {
  const { begin, pages, clock } = setUp()
  assert.equal((await begin()).client.id, 'c1')
  const other = 'https://other.example'
  const authority = {
    issuer: other,
    authorization_endpoint: `${other}/a`,
    token_endpoint: `${other}/t`,
    registration_endpoint: `${other}/register`,
  }
  const [resource, metadata] = Object.values(
    remotePages({ authority, resource: { authorization_servers: [other] } }),
  )
  pages['GET https://mcp.acme.example/.well-known/oauth-protected-resource/mcp'] = resource!
  pages[`GET ${other}/.well-known/oauth-authorization-server`] = metadata!
  pages[`POST ${other}/register`] = Response.json({ client_id: 'other', client_secret: 's' })
  clock.nowMs += 60_000
  const moved = await begin()
  assert.deepEqual([moved.client.id, moved.tokenUrl], ['other', `${other}/t`])
})

test('A server that names another issuer than a connection has is known to have moved', async () => {
  const { begin, providers, clock, pages } = setUp()
  const { grantor } = await begin()
  assert.equal(await providers.hasMoved({ provider: 'acme', grantor }), false)
  const elsewhere = {
    provider: 'acme',
    grantor: grantor && { ...grantor, issuer: 'https://old.example' },
  }
  assert.equal(await providers.hasMoved(elsewhere), true)
  // One that says nothing at the moment has not.
  for (const name of Object.keys(pages)) delete pages[name]
  clock.nowMs += 60_000
  assert.equal(await providers.hasMoved(elsewhere), false)
})

test('Where the issuer takes documents and we have one, its address is our id', async () => {
  const takes = remotePages({ authority: { client_id_metadata_document_supported: true } })
  const own = setUp({ clientDocument: DOCUMENT }, takes)
  const { client, grantor } = await own.begin()
  assert.deepEqual(client, { id: DOCUMENT, secret: undefined, auth: 'none' })
  assert.equal(grantor?.client.source, 'document')
  assert.deepEqual(own.registrations(), [])
  const document = own.providers.document('acme')
  assert.equal(document?.['client_id'], DOCUMENT)
  assert.equal(document['token_endpoint_auth_method'], 'none')
  const without = setUp({}, takes)
  assert.equal((await without.begin()).client.id, 'c1')
  assert.equal(without.providers.document('acme'), undefined)
})

test('The operator’s client comes first, and its secret is that of the configuration', async () => {
  const client = { id: 'ours', secret: new Secret('first'), auth: 'post' } as const
  const { begin, registrations } = setUp({ client, issuer: ISSUER, clientDocument: DOCUMENT })
  const { grantor, ...provider } = await begin()
  assert.deepEqual([provider.client.id, provider.reach], ['ours', 'any'])
  assert.deepEqual(registrations(), [])
  const later = testProviders(
    new Map([['acme', { ...REMOTE, client: { ...client, secret: new Secret('second') } }]]),
  )
  const giver = later.giver('acme', { grantor, clientSecret: undefined })
  assert.equal(giver?.client.secret?.reveal(), 'second')
})

test('A connection is refreshed where its tokens came from, with the client they were given to', async () => {
  const { begin, providers } = setUp()
  const { grantor } = await begin()
  const giver = providers.giver('acme', { grantor, clientSecret: 'kept' })
  assert.deepEqual([giver?.tokenUrl, giver?.client.id], [`${ISSUER}/token`, 'c1'])
  assert.equal(giver?.client.secret?.reveal(), 'kept')
})

test('A connection to a server that was elsewhere is none to the one that is there now', async () => {
  const { begin } = setUp()
  const { grantor } = await begin()
  const moved = { ...REMOTE, discover: 'https://mcp.other.example/mcp' }
  const later = testProviders(new Map([['acme', moved]]))
  assert.equal(later.giver('acme', { grantor, clientSecret: 's' }), undefined)
  assert.equal(isFrom(moved, grantor), false)
  assert.equal(isFrom(ACME, grantor), false)
  assert.equal(isFrom(REMOTE, undefined), false)
  assert.equal(isFrom(ACME, undefined), true)
})

test('Scopes are those that are wanted, else those of the server, with the one for refresh tokens', async () => {
  const pages = remotePages({
    resource: { scopes_supported: ['a', 'b'] },
    authority: { scopes_supported: ['a', 'b', 'offline_access'] },
  })
  const { begin, providers } = setUp({}, pages)
  assert.deepEqual((await begin()).scopes, ['a', 'b', 'offline_access'])
  assert.deepEqual((await begin('x')).scopes, ['x', 'offline_access'])
  assert.deepEqual((await providers.preview('acme', ['x']))?.scopes, ['x', 'offline_access'])
  const fixed = setUp({ scopes: ['c'] }, pages)
  assert.deepEqual((await fixed.begin()).scopes, ['c', 'offline_access'])
})

for (const [what, pages, message] of [
  [
    'lets nobody register',
    remotePages({ authority: { registration_endpoint: undefined } }),
    /lets no client register by itself: register a client there by hand/,
  ],
  [
    'refuses us',
    { [REGISTER]: Response.json({ error: 'invalid_redirect_uri' }, { status: 400 }) },
    /register: registration was refused \(invalid_redirect_uri\)/,
  ],
  [
    'wants a token to register with',
    { [REGISTER]: new Response('<html>', { status: 401 }) },
    /registration was refused \(status 401\)/,
  ],
  [
    'makes a client of us that we cannot be',
    { [REGISTER]: { client_id: 'c', token_endpoint_auth_method: 'private_key_jwt' } },
    /registered us as a client that cannot be used/,
  ],
  [
    'forgets the secret',
    { [REGISTER]: { client_id: 'c' } },
    /registered us as a client that cannot be used/,
  ],
  [
    'wants another way to authenticate',
    remotePages({ authority: { token_endpoint_auth_methods_supported: ['tls_client_auth'] } }),
    /wants clients to authenticate in ways not known here/,
  ],
] as const) {
  test(`An issuer that ${what} is told of, and nobody is sent there`, async () => {
    const { begin, events } = setUp({}, pages)
    await assert.rejects(begin(), (error) => {
      return error instanceof DiscoveryError && message.test(error.message)
    })
    const [told] = events.filter(({ type }) => type === 'provider_registration')
    assert.ok(told?.type === 'provider_registration' && !told.ok)
    assert.match(told.detail ?? '', message)
  })
}

test('Discovery is told of, and what a person sees is discovered anew each time', async () => {
  const { asked, events, pages, providers } = setUp()
  const preview = await providers.preview('acme', [])
  assert.equal(preview?.authorizeUrl, `${ISSUER}/auth`)
  const { length } = asked
  await providers.preview('acme', [])
  assert.equal(asked.length, 2 * length)
  for (const name of Object.keys(pages)) delete pages[name]
  await assert.rejects(providers.preview('acme', []), DiscoveryError)
  const told = events.map((event) => event.type === 'provider_discovery' && event.ok)
  assert.deepEqual(told, [true, true, false])
})

test('Many who look at the same moment are answered by one discovery', async () => {
  const { asked, providers } = setUp()
  await providers.preview('acme', [])
  const { length } = asked
  await Promise.all(Array.from({ length: 20 }, () => providers.preview('acme', [])))
  assert.equal(asked.length, 2 * length)
})

test('A gateway on this machine says so when it registers, or its redirect would be refused', async () => {
  const web = createWeb({ ...remotePages(), [REGISTER]: registrar() })
  const providers = testProviders(new Map([['acme', REMOTE]]), {
    fetchesOf: () => web.fetches,
    origin: 'http://127.0.0.1:8080',
  })
  await providers.begin('acme', [], { tenant: '', issuer: '', subject: '' })
  assert.match(web.asked.at(-1)?.body ?? '', /"application_type":"native"/)
})
