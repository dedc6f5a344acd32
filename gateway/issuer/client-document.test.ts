import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { createClientDocuments, isHumanDocument, isServedDocument } from './client-document.ts'
import type { Setup } from './setup.ts'

const ID = 'https://app.example/oauth/client.json'
const DOCUMENT = { client_id: ID, client_name: 'App', redirect_uris: ['https://app.example/cb'] }

function setup(parts: Partial<Setup['documents']> = {}, redirectHosts?: readonly string[]) {
  const { store, now, clock } = memoryStore()
  const documents = { mode: 'open', hosts: [], humanHosts: [], ...parts } as const
  const rules = { documents, registration: { perMinute: 3, redirectHosts } } as unknown as Setup
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
  assert.ok(isHumanDocument('https://ide.example/c', rules) && !isHumanDocument(ID, rules))
  assert.ok(!isServedDocument(ID, setup({ mode: 'off' }).rules))
})
