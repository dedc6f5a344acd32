import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createSeals, temporaryKey } from '../seal/seal.ts'
import { createMemoryStore } from '../state/memory.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { settingsOf } from '../testkit/settings-file.ts'
import { createBook, type Facts } from '../vault/book.ts'
import { createConnectLinks } from '../vault/connect-link.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import { createNeededAccounts } from './needed-accounts.ts'

const CONFIG = `
version: 1
public_url: https://gw.example
authorization_server: embedded
providers:
  google: { client: { id: gid, secret: '\${env:S}' } }
  slack: { client: { id: sid, secret: '\${env:S}' } }
servers:
  drive:
    path: /drive
    upstream: https://drive.internal/mcp
    credential: { mode: vault, provider: google, scopes: [files] }
    tool_credentials:
      share: { mode: vault, provider: google, scopes: [sharing] }
      post: { mode: vault, provider: slack, scopes: ['chat:write'] }
      react: { mode: vault, provider: slack }
      pay: { header: X-Api-Key, value: '\${env:S}' }
  notes:
    path: /notes
    upstream: https://notes.internal/mcp
    credential: { mode: issue }
    tool_credentials:
      tell: { mode: vault, provider: slack }
policies: [policy.yaml]
`

const CALLER = testCaller({ issuer: 'https://gw.example', subject: 'local|alice' })
const DRIVE = { caller: CALLER, server: 'drive' }
const NOTES = { caller: CALLER, server: 'notes' }

async function setup(isShown: (tool: string) => boolean = () => true) {
  const settings = await settingsOf(CONFIG, { env: { S: 's' } })
  const now = (): number => 1_000_000_000
  const store = createMemoryStore({ now })
  const seals = createSeals([temporaryKey()])
  const envelopes = createEnvelopes([createRingWrap([temporaryKey()])])
  const book = createBook(store, () => envelopes)
  const connect = async (provider: string, facts: Partial<Facts>): Promise<void> => {
    const { tenant, issuer, subject } = CALLER
    const whole: Facts = {
      state: 'live',
      scopes: [],
      label: '',
      reason: undefined,
      connectedAtMs: now(),
      refreshedAtMs: now(),
      expiresAtMs: undefined,
      ...facts,
    }
    const tokens = { accessToken: 'a1', refreshToken: undefined }
    await book.connect({ tenant, issuer, subject, provider, account: 'default' }, whole, tokens)
  }
  const needed = createNeededAccounts(settings, { book, now, seals: () => seals }, isShown)
  return { ...needed, connect, links: createConnectLinks({ seals, base: '', now }) }
}

test('What several tools and servers need of one provider is one account, with all of their scopes', async () => {
  const { accountsFor } = await setup()
  assert.deepEqual(await accountsFor([DRIVE, NOTES]), [
    {
      provider: 'google',
      title: 'Google',
      account: 'default',
      scopes: ['files', 'sharing'],
      uses: [{ server: 'drive', tools: undefined }],
      isConnected: false,
    },
    {
      provider: 'slack',
      title: 'Slack',
      account: 'default',
      scopes: ['chat:write'],
      uses: [
        { server: 'drive', tools: ['post', 'react'] },
        { server: 'notes', tools: ['tell'] },
      ],
      isConnected: false,
    },
  ])
})

test('An account counts as connected with enough scope, and neither with less nor when it is dead', async () => {
  const { accountsFor, connect } = await setup()
  const connected = async (): Promise<readonly boolean[]> =>
    (await accountsFor([DRIVE])).map(({ isConnected }) => isConnected)
  await connect('google', { scopes: ['files'] })
  assert.deepEqual(await connected(), [false, false])
  await connect('google', { scopes: ['files', 'sharing'] })
  assert.deepEqual(await connected(), [true, false])
  await connect('google', { scopes: ['files', 'sharing'], state: 'dead' })
  assert.deepEqual(await connected(), [false, false])
})

test('Nobody is asked for an account of tools that the policy never allows', async () => {
  const { accountsFor } = await setup((tool) => tool === 'react')
  const [google, slack] = await accountsFor([DRIVE])
  assert.deepEqual(google?.scopes, ['files'])
  assert.deepEqual(slack?.uses, [{ server: 'drive', tools: ['react'] }])
  assert.deepEqual(await accountsFor([NOTES]), [])
  assert.deepEqual(await accountsFor([]), [])
})

test('The address to connect at is for this person, names what it is for and leads back', async () => {
  const { accountsFor, connectAt, links } = await setup()
  const [, slack] = await accountsFor([DRIVE, NOTES])
  const detour = { next: '/oauth/ui/u/connect/2', again: '/oauth/ui/u/connect/1', formTargets: [] }
  const url = new URL(connectAt('local|alice', slack!, detour))
  assert.equal(url.origin + url.pathname, 'https://gw.example/connect/slack')
  const link = links.open('slack', url.searchParams.get('ticket') ?? '')
  assert.equal(link?.subject, 'local|alice')
  assert.equal(link?.issuer, 'https://gw.example')
  assert.equal(link?.server, 'drive, notes')
  assert.deepEqual(link?.detour, detour)
  assert.equal(links.open('google', url.searchParams.get('ticket') ?? ''), undefined)
})
