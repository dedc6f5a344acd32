import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isRemote } from '../model/provider.ts'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const ENV = { SECRET: 'b7Zk0vJpQ1xW' }
const CLIENT = `client: { id: gateway, secret: '\${env:SECRET}' }`
const URL = 'https://mcp.acme.example/mcp'

type World = { readonly publicUrl?: string; readonly upstream?: string; readonly more?: string }

/** A configuration whose provider is on line 6 and whose server is on line 8. */
function config(provider: string, world: World = {}): string {
  const { publicUrl = 'https://gw.example', upstream = URL, more = '' } = world
  return `version: 1
public_url: ${publicUrl}
policies: [policy.yaml]
authorization_server: embedded
providers:
  acme: { discover: '${URL}', ${provider} }
servers:
  acme: { upstream: '${upstream}', credential: { mode: vault, provider: acme ${more} } }
`
}

async function read(provider: string, world: World = {}) {
  const { providers, servers } = await settingsOf(config(provider, world), { env: ENV })
  const remote = providers.get('acme')
  assert.ok(remote !== undefined && isRemote(remote))
  return { remote, credential: servers[0]?.credential }
}

test('An address is all that a server needs which says the rest itself', async () => {
  const { remote, credential } = await read('')
  assert.deepEqual(remote, {
    name: 'acme',
    title: 'acme',
    discover: URL,
    client: undefined,
    issuer: undefined,
    ca: undefined,
    clientDocument: 'https://gw.example/connect/acme/client.json',
    scopes: [],
    authorizeParameters: {},
    silent: false,
  })
  assert.ok(credential?.kind === 'vault')
  assert.deepEqual(credential.place, { header: 'Authorization', as: 'bearer', user: '' })
  // Such a server wants its token from the first request on.
  assert.equal(credential.neededFor, 'everything')
  const lists = await read('', { more: ', needed_for: calls' })
  assert.ok(lists.credential?.kind === 'vault' && lists.credential.neededFor === 'calls')
})

test('A client of the operator’s comes with the one issuer that knows it', async () => {
  const { remote } = await read(`issuer: 'https://login.example', ${CLIENT}`)
  assert.deepEqual([remote.issuer, remote.client?.id], ['https://login.example', 'gateway'])
})

test('There is a document about us where others can reach it, unless it is elsewhere or not wanted', async () => {
  const elsewhere = 'https://www.example/gatehouse.json'
  for (const [provider, world, expected] of [
    [
      '',
      { publicUrl: 'https://gw.example/mcp' },
      'https://gw.example/mcp/connect/acme/client.json',
    ],
    ['', { publicUrl: 'http://127.0.0.1:8080' }, undefined],
    ['', { publicUrl: 'https://localhost' }, undefined],
    ['client_document: none', {}, undefined],
    [`client_document: '${elsewhere}'`, { publicUrl: 'http://127.0.0.1:8080' }, elsewhere],
  ] as const) {
    const { remote } = await read(provider, world)
    assert.equal(remote.clientDocument, expected)
  }
})

for (const [what, provider, world, problem] of [
  [
    'a server elsewhere than where its tokens are for',
    '',
    { upstream: 'https://mcp.acme.example/other' },
    /^8:\d+ servers\.acme\.credential\.provider: "acme" is discovered: its tokens are for https:/,
  ],
  [
    'a client that any issuer would be shown the secret of',
    CLIENT,
    {},
    /^6:\d+ providers\.acme\.client: needs issuer: a client is known to one issuer/,
  ],
  [
    'what is found anyway',
    `token_url: 'https://t.example'`,
    {},
    /providers\.acme\.token_url: says nothing with discover/,
  ],
  [
    'an authority of certificates for just anybody',
    'ca: ca.pem',
    {},
    /acme\.ca: needs issuer: what a/,
  ],
  [
    'an authority of certificates that is not there',
    `ca: ca.pem, issuer: 'https://login.example'`,
    {},
    /acme\.ca: cannot read \/etc\/gh\/ca\.pem: no such file/,
  ],
  ['a document in the clear', `client_document: 'http://w.example/c'`, {}, /must be an https URL/],
  ['an issuer in the clear', `issuer: 'http://login.example'`, {}, /issuer: tokens would travel/],
] as const) {
  test(`A discovered provider with ${what} is refused`, async () => {
    const problems = await problemsOf(config(provider, world), { env: ENV })
    assert.match(problems.join('\n'), problem)
  })
}

test('A server in the clear is not discovered, nor is anything without discover described', async () => {
  const plain = config('').replaceAll('https://mcp', 'http://mcp')
  assert.match((await problemsOf(plain)).join('\n'), /discover: tokens would travel unencrypted/)
  const known = config('').replace(`discover: '${URL}',`, 'client_document: none')
  const problems = await problemsOf(known.replace('acme: {', 'google: {'))
  assert.match(problems.join('\n'), /client_document: says nothing without discover/)
})
