import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { NeededAccount } from '../model/needed-account.ts'
import type { ConsentPage } from './consent-page.ts'
import { showConsent } from './consent-page.ts'

const PAGE: ConsentPage = {
  action: '/oauth/ui/u1',
  formToken: 'token',
  account: 'Alice',
  client: { id: 'c_1', name: 'Report Agent', standing: 'self_registered' },
  redirect: 'https://app.example/cb?x=1',
  formTargets: ['https://app.example'],
  accounts: [],
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

const SLACK: NeededAccount = {
  provider: 'slack',
  title: 'Slack',
  account: 'default',
  scopes: ['chat:write'],
  uses: [{ server: 'documents', tools: ['post', 'react'] }],
  isConnected: false,
}

/** The text of a page with its blanks joined. */
const saidOf = (accounts: readonly NeededAccount[]): string =>
  text({ accounts }).replaceAll(/\s+/g, ' ')

test('Each account that is used is named, with what it is used for, its access and whether it is there', () => {
  const said = saidOf([SLACK])
  assert.match(said, /<strong>Slack<\/strong>, not connected yet\./)
  assert.match(said, /documents uses it in your name for <code>post<\/code> <code>react<\/code>\./)
  assert.match(said, /Access: <code>chat:write<\/code>/)
  assert.match(said, /you are asked to connect what is not connected yet/)
  const uses = [{ server: 'documents', tools: undefined }]
  assert.match(saidOf([{ ...SLACK, uses, account: 'work' }]), /<strong>Slack \(work\)<\/strong>/)
})

test('Nobody is told of connecting when all is connected, nor of accounts when none is used', () => {
  const said = saidOf([{ ...SLACK, isConnected: true }])
  assert.match(said, /<strong>Slack<\/strong>, connected\./)
  assert.ok(!said.includes('you are asked to connect'))
  assert.ok(!text().includes('Accounts of yours'))
})
