import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ConsentPage } from './consent-page.ts'
import { showConsent } from './consent-page.ts'

const PAGE: ConsentPage = {
  action: '/oauth/ui/u1',
  formToken: 'token',
  account: 'Alice',
  client: { id: 'c_1', name: 'Report Agent', standing: 'self_registered' },
  redirect: 'https://app.example/cb?x=1',
  formTargets: ['https://app.example'],
  servers: [
    {
      name: 'documents',
      resource: 'https://gw.example/mcp',
      scopes: ['docs:read', 'docs:write'],
      allowedBefore: [],
      tools: [
        { name: 'read_file', effect: 'reads' },
        { name: 'search', effect: 'reads' },
        { name: 'append', effect: 'changes' },
        { name: 'delete_all', effect: 'deletes' },
        { name: 'mystery', effect: 'unsaid' },
      ],
    },
  ],
}

const text = (parts: Partial<ConsentPage> = {}): string => showConsent({ ...PAGE, ...parts }).body

test('It says who asks, for what, what each tool may do, and where the answer goes', () => {
  const page = text()
  assert.match(page, /Report Agent wants\s+to use documents for you/)
  assert.match(page, /look things up with \(2 tools\)/)
  assert.match(page, /add and change things with \(1 tool\)/)
  assert.match(page, /delete or overwrite things with \(1 tool\)/)
  assert.match(page, /does not say whether they change or delete anything: \(1 tool\)/)
  assert.match(page, /taken to <strong>app\.example<\/strong>/)
  assert.match(page, /Unverified/)
})

test('A name that somebody made up cannot become markup, nor look like something else', () => {
  const name = '<img src=x onerror=alert(1)>\u202eelgooG'
  const page = text({ client: { ...PAGE.client, name } })
  assert.ok(!page.includes('<img') && !page.includes('\u202e'))
  const long = text({ client: { ...PAGE.client, name: 'x'.repeat(10_000) } })
  assert.ok(!long.includes('x'.repeat(65)))
})

test('An answer that goes to this computer is warned of, and one to an own scheme names it', () => {
  assert.match(text({ redirect: 'http://127.0.0.1:4321/cb' }), /On this computer/)
  assert.ok(!text().includes('On this computer'))
  assert.match(text({ redirect: 'com.example.app:/cb' }), /com\.example\.app:/)
})

test('What was allowed before is marked, and a step up says that it is more', () => {
  const [server] = PAGE.servers
  const page = text({ servers: [{ ...server!, allowedBefore: ['docs:read'] }] })
  assert.match(page, /wants\s+more access to documents/)
  assert.equal(page.match(/you allowed this before/g)?.length, 1)
})

test('Where no tool is known yet, it says so and promises nothing', () => {
  const [server] = PAGE.servers
  assert.match(text({ servers: [{ ...server!, tools: [] }] }), /is not known yet/)
})
