import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { isRemote } from '../model/provider.ts'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'
import { knownProviders } from './known-providers.ts'

const ENV = { SECRET: 'b7Zk0vJpQ1xW' }
const CLIENT = `client: { id: gateway, secret: '\${env:SECRET}' }`

/** A configuration whose providers begin on line 7. */
function config(providers: string, credential = '{ mode: vault, provider: google }'): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
authorization_server: embedded
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
providers:
${providers}
servers:
  docs: { upstream: 'https://up.example/mcp', credential: ${credential} }
`
}

async function providerOf(name: string, text: string) {
  const { providers } = await settingsOf(config(text, 'none'), { env: ENV })
  const provider = providers.get(name)
  return provider && !isRemote(provider) ? provider : undefined
}

test('Each provider that is known needs a client alone, or its host where every customer has one', async () => {
  assert.ok(knownProviders().size >= 15)
  for (const [name, facts] of knownProviders()) {
    const problems = await problemsOf(config(`  ${name}: { ${CLIENT} }`, 'none'), { env: ENV })
    const needsHost = /SHOP|SUBDOMAIN/.test(facts.token_url ?? '')
    assert.equal(problems.length > 0, needsHost, problems.join('\n'))
    for (const problem of problems) assert.match(problem, /host of your own account/)
  }
})

test('Slack’s quirks are those its pages describe', async () => {
  const slack = await providerOf('slack', `  slack: { ${CLIENT} }`)
  assert.equal(slack?.scopeParameter, 'user_scope')
  assert.equal(slack.scopeSeparator, ',')
  assert.deepEqual(slack.tokenPath, ['authed_user'])
  assert.equal(slack.okField, 'ok')
  assert.equal(slack.rotation, 'single_use')
  assert.equal(slack.client.auth, 'post')
})

test('GitHub answers with commas between scopes, or two that were given would never be enough', async () => {
  const github = await providerOf('github', `  github: { ${CLIENT} }`)
  assert.equal(github?.scopeSeparator, ',')
})

test('What an operator says of a known provider wins over what is known', async () => {
  const own = `token_url: 'https://proxy.example/token', scopes: [a]`
  const google = await providerOf('google', `  google: { ${CLIENT}, ${own} }`)
  assert.equal(google?.tokenUrl, 'https://proxy.example/token')
  assert.equal(google.refreshUrl, 'https://proxy.example/token')
  assert.deepEqual(google.scopes, ['a'])
  assert.equal(google.title, 'Google')
})

test('A provider of one’s own is described in the same words', async () => {
  const urls = `authorize_url: 'https://a.example/auth', token_url: 'https://a.example/token'`
  const acme = await providerOf('acme', `  acme: { ${CLIENT}, ${urls}, header: X-Acme }`)
  assert.equal(acme?.title, 'acme')
  assert.deepEqual(acme.place, { header: 'X-Acme', as: 'plain', user: '' })
  assert.equal(acme.pkce, true)
})

test('The token goes where its provider says, unless the server says otherwise', async () => {
  const shop = `  shopify: { ${CLIENT}, authorize_url: 'https://s.example/a', token_url: 'https://s.example/t' }`
  for (const [credential, header, as] of [
    ['{ mode: vault, provider: shopify }', 'X-Shopify-Access-Token', 'plain'],
    ['{ mode: vault, provider: shopify, header: X-Token }', 'X-Token', 'plain'],
    ['{ mode: vault, provider: shopify, as: bearer }', 'Authorization', 'bearer'],
  ] as const) {
    const { servers } = await settingsOf(config(shop, credential), { env: ENV })
    const [docs] = servers
    assert.ok(docs?.credential.kind === 'vault')
    assert.deepEqual([docs.credential.place.header, docs.credential.place.as], [header, as])
  }
})

for (const [what, text, credential, problem] of [
  [
    'an unknown provider',
    `  google: { ${CLIENT} }`,
    '{ mode: vault, provider: goggle }',
    /unknown provider "goggle"; known: google/,
  ],
  ['no provider', `  google: { ${CLIENT} }`, '{ mode: vault }', /"provider" is missing/],
  [
    'a provider nobody knows without addresses',
    `  acme: { ${CLIENT} }`,
    'none',
    /"authorize_url" is missing/,
  ],
  [
    'addresses in the clear',
    `  google: { ${CLIENT}, token_url: 'http://t.example/' }`,
    'none',
    /token_url: tokens would travel unencrypted/,
  ],
  [
    'a name with capitals',
    `  Google: { ${CLIENT} }`,
    'none',
    /lower-case letters, digits and hyphens/,
  ],
  ['no client', `  google: { title: G }`, 'none', /7:3 providers\.google: "client" is missing/],
  ['a misspelt key', `  google: { ${CLIENT}, tokenurl: x }`, 'none', /unknown key "tokenurl"/],
  [
    'a literal secret',
    `  google: { client: { id: g, secret: abc } }`,
    'none',
    /must not stand in the configuration file/,
  ],
] as const) {
  test(`A configuration with ${what} is refused`, async () => {
    const problems = await problemsOf(config(text, credential), { env: ENV })
    assert.match(problems.join('\n'), problem)
  })
}

test('Without a key ring there is no vault, whose connections would end with the process', async () => {
  const text = config(`  google: { ${CLIENT} }`).replace(
    'version: 1',
    "version: 1\nlisten: { host: '127.0.0.1' }",
  )
  const problems = await problemsOf(text, { env: { ...ENV, GATEHOUSE_KEYS: '' } })
  assert.match(problems.join('\n'), /vault needs a key ring/)
})

test('Without pages to sign in on there is no vault, since nobody could connect anything', async () => {
  const text = config(`  google: { ${CLIENT} }`).replace('authorization_server: embedded\n', '')
  const problems = await problemsOf(text, { env: ENV })
  assert.match(problems.join('\n'), /vault needs authorization_server/)
})

test('The words for a known provider and for one of a configuration are the same', () => {
  const read = (file: string) =>
    JSON.parse(readFileSync(join(import.meta.dirname, '../../config', file), 'utf8')) as {
      $defs: { provider: { properties: Record<string, unknown> } }
    }
  const {
    client: _,
    discover,
    client_document,
    ca,
    ...own
  } = read('gatehouse.schema.json').$defs.provider.properties
  assert.ok(discover !== undefined && client_document !== undefined && ca !== undefined)
  assert.deepEqual(own, read('providers.schema.json').$defs.provider.properties)
})
