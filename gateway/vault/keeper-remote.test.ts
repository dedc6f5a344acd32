/** Connections to servers that are discovered: what is more to keeping them than to those written down. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Grantor, RemoteProvider } from '../model/provider.ts'
import { testProviders } from '../testkit/acme.ts'
import { createTestVault, NEEDS_ACME } from '../testkit/vault.ts'
import { createWeb, ISSUER, REMOTE, remotePages } from '../testkit/web.ts'
import type { Reply } from './services.ts'

const GRANTOR: Grantor = {
  server: REMOTE.discover,
  issuer: ISSUER,
  authorizeUrl: `${ISSUER}/auth`,
  tokenUrl: `${ISSUER}/token`,
  revokeUrl: `${ISSUER}/revoke`,
  sendsIssuer: false,
  resource: REMOTE.discover,
  client: { id: 'c1', auth: 'basic', source: 'registered' },
}

/** A vault with one connection to the server. */
async function setUp(
  options: {
    readonly remote?: Partial<RemoteProvider>
    readonly grantor?: Grantor
    readonly reply?: Reply
  } = {},
) {
  const { remote, grantor = GRANTOR, reply } = options
  const secrets: (string | undefined)[] = []
  const providers = testProviders(new Map([['acme', { ...REMOTE, ...remote }]]), {
    fetchesOf: () => createWeb(remotePages()).fetches,
  })
  const vault = createTestVault({
    providers,
    refresh: async ({ client }) => {
      secrets.push(client.secret?.reveal())
      return reply ?? { kind: 'unavailable', detail: 'down' }
    },
  })
  await vault.connect({ grantor, scopes: ['read'] }, { clientSecret: 'secret-of-c1' })
  const wish = { caller: vault.caller, credential: NEEDS_ACME }
  return { ...vault, wish, secrets, found: await vault.keeper.find(wish) }
}

test('A token goes to the server it was given for, and not to one at another address', async () => {
  const { sent } = await setUp()
  assert.equal(await sent(), 'Bearer a1')
  const elsewhere = await setUp({ remote: { discover: 'https://evil.example/mcp' } })
  assert.equal(await elsewhere.sent(), 'Connect your acme account first')
})

test('A refresh is made by the client that the tokens were given to, whose secret stays with them', async () => {
  const given = { accessToken: 'a2', refreshToken: 'r2', scopes: undefined, label: '' }
  const reply: Reply = { kind: 'given', ...given, expiresInSeconds: 3_600 }
  const { clock, sent, secrets, book, id } = await setUp({ reply })
  for (let round = 0; round < 2; round += 1) {
    clock.nowMs += 3_600_000
    assert.equal(await sent(), 'Bearer a2')
  }
  assert.deepEqual(secrets, ['secret-of-c1', 'secret-of-c1'])
  const entry = await book.read(id)
  assert.deepEqual(typeof entry === 'object' && entry.connection.grantor, GRANTOR)
})

test('A connection whose client was forgotten ends, and its owner connects again', async () => {
  const { clock, sent, events } = await setUp({
    reply: { kind: 'refused', code: 'invalid_client' },
  })
  clock.nowMs += 3_600_000
  assert.match(await sent(), /again: it gives no more tokens/)
  const [told] = events.filter((event) => event.type === 'connection' && event.action === 'ended')
  assert.ok(told?.type === 'connection' && told.detail === 'invalid_client')
})

test('A client of the operator’s that is refused ends nothing: the configuration is mended', async () => {
  const client = { ...GRANTOR.client, source: 'configured' } as const
  const reply: Reply = { kind: 'refused', code: 'invalid_client' }
  const { clock, sent } = await setUp({ reply, grantor: { ...GRANTOR, client } })
  clock.nowMs += 3_600_000
  await assert.rejects(sent(), /cannot be had right now/)
})

test('A refused token of an issuer that the server does not name any more is not refreshed there', async () => {
  const { wish, keeper, found, secrets } = await setUp({
    grantor: { ...GRANTOR, issuer: 'https://old.example' },
  })
  const renewed = await keeper.renew(wish, found)
  assert.equal(renewed.kind, 'missing')
  assert.deepEqual(secrets, [])
})

test('More scopes are asked for on top of those there are, and never those that were given', async () => {
  const { keeper, wish } = await setUp()
  const more = keeper.widen(wish, ['write'])
  assert.ok(more?.kind === 'missing')
  assert.deepEqual(more.connect?.scopes, ['read', 'write'])
  assert.equal(keeper.widen(wish, ['read']), undefined)
  assert.equal(keeper.widen(wish, []), undefined)
})

test('A server of a provider that was written down has no say in what people give there', async () => {
  const { keeper, caller, connect, find } = createTestVault()
  await connect()
  await find()
  assert.equal(keeper.widen({ caller, credential: NEEDS_ACME }, ['everything']), undefined)
})
