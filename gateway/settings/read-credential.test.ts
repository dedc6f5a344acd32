import assert from 'node:assert/strict'
import { test } from 'node:test'

import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const ENV = { SECRET: 'b7Zk0vJpQ1xW', KEY: 'k8Yh2mNq4rTz' }
const TOKEN_URL = `token_url: 'https://idp.example/token'`
const CLIENT = `client: { id: gateway, secret: '\${env:SECRET}' }`

/** A server, on line 6, with this credential. */
function withCredential(credential: string, more = ''): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
servers:
  docs: { upstream: 'https://up.example/mcp', credential: ${credential}${more} }
`
}

async function credentialOf(credential: string) {
  const { servers } = await settingsOf(withCredential(credential), { env: ENV })
  return servers[0]?.credential
}

test('A token of ours is for the URL of the server, lives a minute and names its subject with the issuer', async () => {
  assert.deepEqual(await credentialOf('{ mode: issue }'), {
    kind: 'issue',
    place: { header: 'Authorization', as: 'bearer', user: '' },
    audience: 'https://up.example/mcp',
    scopes: [],
    lifeSeconds: 60,
    subject: 'qualified',
  })
})

test('An exchange keeps its client secret out of sight', async () => {
  const credential = await credentialOf(`{ mode: exchange, ${TOKEN_URL}, ${CLIENT}, audience: a }`)
  assert.ok(credential?.kind === 'exchange')
  assert.equal(credential.endpoint.client.secret?.reveal(), ENV.SECRET)
  assert.equal(credential.endpoint.client.auth, 'basic')
  assert.ok(!JSON.stringify(credential).includes(ENV.SECRET))
})

test('Outside of Authorization a token stands alone unless the configuration says otherwise', async () => {
  for (const [written, as] of [
    ['header: X-Token', 'plain'],
    ['header: X-Token, as: bearer', 'bearer'],
    ['as: basic, user: git', 'basic'],
  ] as const) {
    const credential = await credentialOf(`{ mode: issue, ${written} }`)
    assert.ok(credential?.kind === 'issue')
    assert.equal(credential.place.as, as)
  }
})

test('A tool may have a credential of its own, and a missing one a static fallback', async () => {
  const key = `{ header: X-Key, value: '\${env:KEY}' }`
  const more = `, tool_credentials: { pay: ${key}, ping: none }, fallback_credential: ${key}`
  const { servers } = await settingsOf(withCredential('{ mode: issue }', more), { env: ENV })
  const [docs] = servers
  assert.equal(docs?.toolCredentials?.get('pay')?.kind, 'static')
  assert.equal(docs?.toolCredentials?.get('ping')?.kind, 'none')
  assert.equal(docs?.fallback?.value.reveal(), ENV.KEY)
})

const WRONG: Readonly<
  Record<string, readonly [credential: string, more: string, problem: RegExp]>
> = {
  'a mode nobody knows': ['{ mode: passthrough }', '', /credential\.mode: must be one of/],
  'static without a value': ['{ mode: static }', '', /credential: "value" is missing/],
  'a value in another mode': [
    `{ mode: issue, value: '\${env:KEY}' }`,
    '',
    /credential\.value: says nothing with mode: issue/,
  ],
  'as with static': [
    `{ value: '\${env:KEY}', as: plain }`,
    '',
    /as: says nothing with mode: static/,
  ],
  'basic without a user': ['{ mode: issue, as: basic }', '', /as: basic needs a user/],
  'a life of a day': ['{ mode: issue, life: 24h }', '', /life: must be between 10s and 1h/],
  'an exchange that narrows nothing': [
    `{ mode: exchange, ${TOKEN_URL}, ${CLIENT} }`,
    '',
    /needs audience or resource: what the token is for must be said/,
  ],
  'an exchange without an endpoint': [
    '{ mode: exchange, audience: a }',
    '',
    /credential: "token_url" is missing/,
  ],
  'an exchange in the clear': [
    `{ mode: exchange, token_url: 'http://idp.example/t', ${CLIENT}, audience: a }`,
    '',
    /token_url: tokens would travel unencrypted/,
  ],
  'an ID-JAG without its second step': [
    `{ mode: exchange, flow: id_jag, ${TOKEN_URL}, ${CLIENT}, audience: a }`,
    '',
    /"resource_token_url" is missing/,
  ],
  'a second step without an ID-JAG': [
    `{ mode: exchange, ${TOKEN_URL}, ${CLIENT}, audience: a, resource_token_url: 'https://x.example/' }`,
    '',
    /resource_token_url: says nothing with flow: token_exchange/,
  ],
  'a client secret in the file': [
    `{ mode: exchange, ${TOKEN_URL}, client: { id: g, secret: abc }, audience: a }`,
    '',
    /client\.secret: a secret must not stand in the configuration file/,
  ],
  'a fallback that is made for callers': [
    '{ mode: issue }',
    ', fallback_credential: { mode: issue }',
    /fallback_credential: must be static/,
  ],
  'a fallback of what is always there': [
    `{ value: '\${env:KEY}' }`,
    `, fallback_credential: { value: '\${env:KEY}' }`,
    /fallback_credential: has no effect/,
  ],
  'a token of ours for anybody': [
    '{ mode: issue }',
    ', anonymous: true',
    /together with anonymous/,
  ],
}

for (const [what, [credential, more, problem]] of Object.entries(WRONG)) {
  test(`A credential with ${what} is refused with its place`, async () => {
    const problems = await problemsOf(withCredential(credential, more), { env: ENV })
    assert.match(problems.join('\n'), problem)
    assert.match(problems.join('\n'), /^6:\d+ servers\.docs/)
  })
}

test('A credential made for each caller is refused on servers whose connections outlive it', async () => {
  for (const upstream of [
    `'wss://up.example/'`,
    `{ url: 'https://up.example/', transport: sse }`,
  ]) {
    const text = withCredential('{ mode: issue }').replace(`'https://up.example/mcp'`, upstream)
    assert.match((await problemsOf(text)).join('\n'), /mode: only static works with this transport/)
  }
})

test('A subject without its issuer is refused where two issuers could mean two people by it', async () => {
  const two = `issuers: [{ issuer: 'https://other.example', jwks: { url: 'https://o.example/k' } }, {`
  const text = withCredential('{ mode: issue, subject: plain }')
  assert.deepEqual(await problemsOf(text), [])
  assert.match(
    (await problemsOf(text.replace('issuers: [{', two))).join('\n'),
    /more than one issuer/,
  )
})

test('A signed actor is refused where two issuers could mean two agents by one name', async () => {
  const signed = `{ mode: exchange, ${TOKEN_URL}, ${CLIENT}, audience: a, actor: signed }`
  const two = `issuers: [{ issuer: 'https://other.example', jwks: { url: 'https://o.example/k' } }, {`
  const text = withCredential(signed)
  assert.deepEqual(await problemsOf(text, { env: ENV }), [])
  const problems = await problemsOf(text.replace('issuers: [{', two), { env: ENV })
  assert.match(problems.join('\n'), /actor: says the subject alone, and more than one issuer/)
})

test('Credentials for rules are read by name, and are not there where none is written', async () => {
  const more = `, credentials: { reader: { value: 'Bearer \${env:KEY}' }, caller: { mode: issue } }`
  const { servers } = await settingsOf(withCredential('none', more), { env: ENV })
  const named = servers[0]?.ruleCredentials
  assert.deepEqual(named?.get('caller')?.kind, 'issue')
  const reader = named?.get('reader')
  assert.ok(reader?.kind === 'static')
  assert.equal(reader.value.reveal(), `Bearer ${ENV.KEY}`)
  const bare = await settingsOf(withCredential('none'))
  assert.equal(bare.servers[0]?.ruleCredentials, undefined)
})

test('Credentials for rules are refused where nobody signs in, where a connection has one for all, and under odd names', async () => {
  const named = (name: string): string => `, credentials: { ${name}: { value: '\${env:KEY}' } }`
  const anonymous = withCredential('none', `${named('reader')}, anonymous: true`)
  const anybody = await problemsOf(anonymous, { env: ENV })
  assert.match(anybody.join('\n'), /^6:\d+ servers\.docs\.credentials\.reader: .*with anonymous/)
  const socket = withCredential('none', named('reader')).replace('https://up', 'wss://up')
  const problems = await problemsOf(socket, { env: ENV })
  assert.match(problems.join('\n'), /^6:\d+ servers\.docs\.credentials: not with this transport/)
  const odd = await problemsOf(withCredential('none', named('Reader')), { env: ENV })
  assert.match(odd.join('\n'), /^6:\d+ .*must be a name of lower-case letters/)
})
