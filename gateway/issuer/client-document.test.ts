import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import {
  createClientDocuments,
  entitlementAt,
  isServedDocument,
  mayBring,
} from './client-document.ts'
import type { Setup } from './setup.ts'

const ID = 'https://app.example/oauth/client.json'
const DOCUMENT = { client_id: ID, client_name: 'App', redirect_uris: ['https://app.example/cb'] }

function setup(parts: Partial<Setup['documents']> = {}, redirectHosts?: readonly string[]) {
  const { store, now, clock } = memoryStore()
  const documents = { mode: 'open', hosts: [], humanHosts: [], ...parts } as const
  const registration = { perMinute: 3, redirectHosts }
  const rules = { documents, registration, signIn: new Map() } as unknown as Setup
  const answers: (() => Response)[] = []
  let fetched = 0
  const served = createClientDocuments({
    setup: () => rules,
    publicFetch: async () => {
      fetched += 1
      const answer = answers.shift()
      if (answer === undefined) throw new Error('unreachable')
      return answer()
    },
    store,
    now,
  })
  return { rules, served, answers, clock, fetched: () => fetched }
}

test('A document says what a registration could say, and nothing more', async () => {
  const { served, answers } = setup()
  answers.push(() => Response.json({ ...DOCUMENT, scope: 'all', logo_uri: 'https://evil.example' }))
  const read = (await (await served.fetch(ID)).json()) as Record<string, unknown>
  assert.equal(read['client_id'], ID)
  assert.deepEqual(read['redirect_uris'], ['https://app.example/cb'])
  assert.deepEqual([read['scope'], read['logo_uri']], [undefined, undefined])
})

test('A document about another client, with redirects elsewhere or with a secret grant is refused', async () => {
  const wrong = [
    { ...DOCUMENT, client_id: 'https://app.example/other' },
    { ...DOCUMENT, redirect_uris: ['http://evil.example/cb'] },
    { ...DOCUMENT, redirect_uris: [] },
    { ...DOCUMENT, grant_types: ['client_credentials'] },
    [],
    7,
  ]
  for (const document of wrong) {
    const { served, answers } = setup()
    answers.push(() => Response.json(document))
    await assert.rejects(served.fetch(ID), JSON.stringify(document))
  }
  const { served, answers } = setup()
  answers.push(() => Response.json(DOCUMENT, { status: 404 }))
  await assert.rejects(served.fetch(ID))
})

test('Where operators list hosts, a document gets codes sent there and to its own host, and nowhere else', async () => {
  const redirects = [
    'https://app.example/cb',
    'https://other.example/cb',
    'https://listed.example/cb',
    'http://127.0.0.1/cb',
    'com.app.example://listed.example/cb',
  ]
  const { served, answers } = setup({}, ['listed.example'])
  answers.push(() => Response.json({ ...DOCUMENT, redirect_uris: redirects }))
  const read = (await (await served.fetch(ID)).json()) as Record<string, unknown>
  assert.deepEqual(read['redirect_uris'], ['https://app.example/cb', 'https://listed.example/cb'])
  answers.push(() => Response.json({ ...DOCUMENT, redirect_uris: ['https://other.example/cb'] }))
  await assert.rejects(served.fetch(ID), /redirect_uris is missing/)
})

test('What failed is left alone for a minute, and nobody makes us ask without end', async () => {
  const { served, clock } = setup()
  assert.ok(await served.mayFetch(ID, '127.0.0.1'))
  await assert.rejects(served.fetch(ID))
  assert.ok(!(await served.mayFetch(ID, '127.0.0.2')))
  clock.nowMs += 60_000
  for (let at = 0; at < 3; at++) assert.ok(await served.mayFetch(`${ID}${at}`, '127.0.0.1'))
  assert.ok(!(await served.mayFetch(ID, '127.0.0.1')))
  assert.ok(await served.mayFetch(ID, '127.0.0.3'))
})

test('Operators say which hosts there are and whose clients people use themselves', () => {
  const { rules } = setup({ mode: 'listed', hosts: ['*.app.example'], humanHosts: ['ide.example'] })
  assert.ok(isServedDocument('https://a.app.example/c', rules))
  for (const id of [ID, 'https://xapp.example/c', 'https://a.app.example.evil/c', 'c_1']) {
    assert.ok(!isServedDocument(id, rules), id)
  }
  const kinds = ['https://ide.example/c', ID].map((id) => entitlementAt(id, rules).kind)
  assert.deepEqual(kinds, ['human', 'agent'])
  assert.ok(!isServedDocument(ID, setup({ mode: 'off' }).rules))
})

test('A client may bring what an identity provider says only where the operator names its host for that provider', () => {
  const assertions = {
    jwks: { kind: 'inline', keys: [] },
    algorithms: [],
    maxLifeSeconds: 600,
  } as const
  const trusting = { assertions: { ...assertions, clientHosts: ['app.example', '*.team.example'] } }
  const strict = { assertions: { ...assertions, clientHosts: [] } }
  for (const id of [ID, 'https://a.team.example/c']) assert.ok(mayBring(id, trusting), id)
  for (const id of [
    'https://app.example.evil/c',
    'https://evil.example/app.example',
    'https://app.example@evil.example/c',
    'https://team.example/c',
    'http',
    'app.example',
  ]) {
    assert.ok(!mayBring(id, trusting), id)
  }
  assert.ok(!mayBring(ID, strict) && !mayBring(ID, { assertions: undefined }))
  const { rules } = setup()
  const withProvider = (provider: object) =>
    entitlementAt(ID, { ...rules, signIn: new Map([['corp', provider]]) as Setup['signIn'] }).grants
  assert.ok(withProvider(trusting).includes('jwt_bearer'))
  assert.ok(!withProvider(strict).includes('jwt_bearer'))
  // Nor do they bring anything else along.
  assert.ok(!withProvider(trusting).includes('client_credentials'))
})
