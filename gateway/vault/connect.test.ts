import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Provider } from '../model/provider.ts'
import { temporaryKey } from '../seal/seal.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { ACME, testProviders } from '../testkit/acme.ts'
import { given } from '../testkit/vault.ts'
import { createBook } from './book.ts'
import { createConnect, type Begin } from './connect.ts'
import { createEnvelopes } from './envelope.ts'
import { createRingWrap } from './key-wrap.ts'
import type { Given } from './services.ts'

const ALICE = { tenant: 'default', issuer: 'https://gw.example', subject: 'alice' }
const QUIET: Provider = {
  ...ACME,
  silent: true,
  loginHint: true,
  authorizeParameters: { prompt: 'consent' },
}
const OTHER: Provider = { ...ACME, name: 'other', title: 'Other' }

function setup(reply: Partial<Given> = {}) {
  const { now, store } = memoryStore()
  const envelopes = createEnvelopes([createRingWrap([temporaryKey()])])
  const book = createBook(store, () => envelopes)
  const redeemed: { provider: string; code: string; redirectUri: string }[] = []
  const connect = createConnect({
    book,
    store,
    envelopes: () => envelopes,
    services: {
      redeem: async ({ name }, { code, redirectUri }) => {
        redeemed.push({ provider: name, code, redirectUri })
        return given('a1', reply)
      },
      refresh: async () => given('a2'),
      revoke: async () => true,
    },
    providers: testProviders(new Map([QUIET, OTHER].map((one) => [one.name, one]))),
    redirectUri: (name) => `https://gw.example/connect/${name}/callback`,
    changed: () => undefined,
    now,
    emit: () => undefined,
  })
  const begin = async (more: Partial<Begin> = {}) => {
    const wanted = { provider: QUIET, owner: ALICE, account: 'default', scopes: ['read'] }
    const { url, browser } = await connect.begin({ ...wanted, prompt: 'none', ...more })
    return { url: new URL(url), browser, state: new URL(url).searchParams.get('state') ?? '' }
  }
  const back = async (
    begun: { browser: string; state: string },
    parameters: Record<string, string>,
    {
      provider = QUIET,
      ...more
    }: { provider?: Provider; owner?: typeof ALICE; browser?: string } = {},
  ) =>
    await connect.finish({
      provider: provider.name,
      owner: ALICE,
      browser: begun.browser,
      parameters: new URLSearchParams({ state: begun.state, ...parameters }),
      ...more,
    })
  return { book, begin, back, redeemed }
}

test('A provider that can is asked to show no page, and told the address where it takes one', async () => {
  const { begin } = setup()
  const address = 'alice@example.com'
  const silent = await begin({ address })
  assert.equal(silent.url.searchParams.get('prompt'), 'none')
  assert.equal(silent.url.searchParams.get('login_hint'), address)
  const usual = await begin({ prompt: 'usual', provider: { ...QUIET, loginHint: false }, address })
  assert.equal(usual.url.searchParams.get('prompt'), 'consent')
  assert.equal(usual.url.searchParams.get('login_hint'), null)
})

test('Who chooses among several accounts is asked which, and is not led to the one that is known', async () => {
  const { begin } = setup()
  const address = 'alice@example.com'
  const chosen = await begin({ prompt: 'choose', address })
  assert.equal(chosen.url.searchParams.get('prompt'), 'consent select_account')
  assert.equal(chosen.url.searchParams.get('login_hint'), null)
  // Who knows none of these words is asked as ever.
  const provider = { ...QUIET, silent: false, loginHint: false }
  const usual = await begin({ prompt: 'choose', provider })
  assert.equal(usual.url.searchParams.get('prompt'), 'consent')
})

for (const error of [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]) {
  test(`Asked silently, ${error} means that it must ask, and its state is spent; asked as usual it is a no`, async () => {
    const { begin, back } = setup()
    const silent = await begin({ server: 'files' })
    assert.deepEqual(await back(silent, { error }), {
      kind: 'must_ask',
      wanted: { account: 'default', scopes: ['read'], server: 'files' },
      detour: undefined,
    })
    assert.equal((await back(silent, { code: 'c' })).kind, 'unknown')
    assert.equal((await back(await begin({ prompt: 'usual' }), { error })).kind, 'denied')
  })
}

for (const [what, reply] of [
  ['less access than was asked for', { scopes: [] }],
  ['nothing that lasts', { refreshToken: undefined }],
] as const) {
  test(`Whoever gives ${what} when asked silently is asked as usual, and nothing is kept`, async () => {
    const { begin, back, book } = setup(reply)
    assert.equal((await back(await begin(), { code: 'c' })).kind, 'must_ask')
    assert.equal(await book.read({ ...ALICE, provider: 'acme', account: 'default' }), undefined)
    assert.equal((await back(await begin({ prompt: 'usual' }), { code: 'c' })).kind, 'connected')
  })
}

test('Asked silently, a no is a no: nobody is asked a second time for what was refused', async () => {
  const { begin, back } = setup()
  assert.equal((await back(await begin(), { error: 'access_denied' })).kind, 'denied')
})

test('A code that was begun for one provider goes to no other (COAT), and its state is spent', async () => {
  const { begin, back, redeemed } = setup()
  const begun = await begin()
  assert.equal((await back(begun, { code: 'c' }, { provider: OTHER })).kind, 'unknown')
  assert.equal((await back(begun, { code: 'c' })).kind, 'unknown')
  assert.deepEqual(redeemed, [])
})

test('A code that nobody here has begun for is not redeemed (CORF), nor one brought by another browser or person', async () => {
  const { begin, back, book, redeemed } = setup()
  const [one, two, three] = [await begin(), await begin(), await begin()]
  const made = { browser: one.browser, state: 'made-up' }
  assert.equal((await back(made, { code: 'c' })).kind, 'unknown')
  assert.equal((await back(one, { code: 'c' }, { browser: two.browser })).kind, 'unknown')
  const bob = { ...ALICE, subject: 'bob' }
  assert.equal((await back(two, { code: 'c' }, { owner: bob })).kind, 'unknown')
  assert.deepEqual(redeemed, [])
  assert.equal((await back(three, { code: 'c' })).kind, 'connected')
  assert.equal(await book.read({ ...bob, provider: 'acme', account: 'default' }), undefined)
  const [{ redirectUri } = { redirectUri: '' }] = redeemed
  assert.equal(redirectUri, 'https://gw.example/connect/acme/callback')
})
