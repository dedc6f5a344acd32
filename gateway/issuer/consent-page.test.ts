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
      words: undefined,
      allowedBefore: [],
      isKnown: false,
      tools: [
        { name: 'read_file', summary: '', effect: 'reads' },
        { name: 'search', summary: 'Finds documents', effect: 'reads' },
        { name: 'append', summary: '', effect: 'changes' },
        { name: 'delete_all', summary: '', effect: 'deletes' },
        { name: 'mystery', summary: '', effect: 'unsaid' },
      ],
    },
  ],
}

const text = (parts: Partial<ConsentPage> = {}): string => showConsent({ ...PAGE, ...parts }).body

/** The text of a page with its blanks joined. */
const said = (parts: Partial<ConsentPage> = {}): string => text(parts).replaceAll(/\s+/g, ' ')

const policyOf = (parts: Partial<ConsentPage> = {}): string => {
  const { headers } = showConsent({ ...PAGE, ...parts })
  return headers[headers.indexOf('content-security-policy') + 1] ?? ''
}

test('It says who asks, for what, what each tool may do, and where the answer goes', () => {
  const page = said()
  assert.match(page, /Report Agent wants to use documents for you/)
  assert.match(page, /Look things up with \(2 tools\)/)
  assert.match(page, /<code>search<\/code> Finds documents/)
  assert.match(page, /Add and change things with \(1 tool\)/)
  assert.match(page, /Delete or overwrite with \(1 tool\)/)
  assert.match(page, /does not say whether they change or delete anything: \(1 tool\)/)
  assert.match(page, /taken to <strong>app\.example<\/strong>/)
  assert.match(page, /Unverified/)
  assert.match(page, /<li>.*<b>You<\/b>.*<b>Report Agent<\/b>.*<b>documents<\/b>/)
})

test('In a sentence it says what it may and what it may not, and promises nothing where a tool says nothing', () => {
  const [server] = PAGE.servers
  const only = (...effects: readonly string[]): string =>
    said({
      servers: [
        { ...server!, tools: server!.tools.filter(({ effect }) => effects.includes(effect)) },
      ],
    })
  assert.match(
    only('reads', 'changes'),
    /It may look things up \(2 tools\) and add and change things \(1 tool\)\./,
  )
  assert.match(only('reads', 'changes'), /It may not delete or overwrite things with the tools/)
  assert.match(only('reads'), /It may not add and change things or delete or overwrite things with/)
  assert.ok(!only('reads', 'unsaid').includes('It may not'))
  assert.ok(!only('reads', 'changes', 'deletes').includes('It may not'))
})

const LOGO = { type: 'image/png', base64: 'iVBORw==', digest: 'd0' } as const

test('Operators say in their words what a server and its scopes are, and show their picture of it', () => {
  const [server] = PAGE.servers
  const words = {
    title: 'Team <b>documents',
    sentence: 'Drafts included.',
    scopes: new Map([['docs:read', 'Read what you can read']]),
    logo: LOGO,
  }
  const page = said({ servers: [{ ...server!, words }] })
  assert.match(page, /wants to use Team &lt;b&gt;documents for you/)
  assert.match(page, /<p>Drafts included\.<\/p>/)
  assert.match(page, /Read what you can read <span class="soft"><code>docs:read<\/code>/)
  assert.match(page, /<span><code>docs:write<\/code><\/span>/)
  assert.equal(page.match(/<img class="logo" src="\/oauth\/logos\/d0" alt=""/g)?.length, 2)
  assert.match(policyOf({ servers: [{ ...server!, words }] }), /img-src 'self';/)
  assert.ok(!policyOf().includes('img-src'))
})

test('What nobody may allow cannot be allowed', () => {
  const [server] = PAGE.servers
  const page = said({ servers: [{ ...server!, scopes: [] }] })
  assert.match(page, /You cannot allow this/)
  assert.ok(!page.includes('value="allow"') && page.includes('value="deny"'))
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
  const own = text({ redirect: 'com.evil.app://app.example/cb' })
  assert.match(own, /<strong>com\.evil\.app:<\/strong>/)
  assert.match(own, /Any application here could have claimed/)
  // What looks like a host there is none.
  assert.ok(!own.includes('app.example'))
})

test('A step up asks for what is new; what was allowed before is out of the way and can be left out', () => {
  const [server] = PAGE.servers
  const page = said({ servers: [{ ...server!, allowedBefore: ['docs:read'], isKnown: true }] })
  assert.match(page, /wants more access to documents/)
  assert.match(page, /Besides, it may look things up/)
  const [, fresh = '', old = ''] = page.split('<legend')
  assert.ok(fresh.includes('What is new') && fresh.includes('docs:write'))
  assert.ok(!fresh.includes('value="https://gw.example/mcp docs:read"'))
  assert.ok(old.includes('docs:read') && page.includes('<details> <summary class="soft">What you'))
})

test('Whoever asks for nothing new is said to ask again', () => {
  const [server] = PAGE.servers
  const allowedBefore = ['docs:read', 'docs:write']
  const page = said({ servers: [{ ...server!, allowedBefore, isKnown: true }] })
  assert.match(page, /Report Agent wants to use documents for you again/)
  assert.ok(!page.includes('What is new'))
})

test('A server without scopes is given as a whole, in words', () => {
  const [server] = PAGE.servers
  assert.match(said({ servers: [{ ...server!, scopes: ['mcp'] }] }), /> <span>Use documents <span/)
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

const saidOf = (accounts: readonly NeededAccount[]): string => said({ accounts })

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
