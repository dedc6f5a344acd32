import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf, settingsOf, warningsOf } from '../testkit/settings-file.ts'

/** A configuration whose issuers begin on line 6. */
function issuers(text: string): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
servers: { docs: { upstream: 'https://up.example/mcp' } }
issuers:
${text}
`
}

const IDP = `issuer: 'https://idp.example'`
const JWKS = `jwks: { url: 'https://idp.example/jwks' }`
const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

async function issuerOf(text: string, files = {}) {
  const { issuers: found } = await settingsOf(issuers(text), { files })
  assert.equal(found.length, 1)
  return found[0]!
}

test('an issuer has the defaults the reference names, agent before all', async () => {
  assert.deepEqual(await issuerOf(`  - { ${IDP}, ${JWKS} }`), {
    issuer: 'https://idp.example',
    tenant: 'default',
    jwks: { kind: 'url', url: 'https://idp.example/jwks' },
    introspection: undefined,
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    types: ['at+jwt'],
    audiences: [],
    allowManyAudiences: false,
    claims: {
      subject: 'sub',
      client: ['client_id', 'azp'],
      groups: 'groups',
      scopes: 'scope',
      kind: undefined,
      grant: 'gid',
      session: 'sid',
    },
    kind: 'agent',
    clients: new Map(),
    interactive: false,
    scopeIncludes: new Map(),
  })
})

test('everything written about an issuer arrives', async () => {
  const issuer = await issuerOf(`  - ${IDP}
    tenant: acme
    ${JWKS}
    algorithms: [ES256]
    types: [application/AT+JWT, JWT]
    audiences: [api]
    allow_many_audiences: true
    claims: { subject: oid, client: [appid], groups: realm_access.roles, kind: k }
    kind: service
    clients: { web: human }
    interactive: true`)
  assert.deepEqual(issuer.types, ['at+jwt', 'jwt'])
  assert.deepEqual(issuer.clients, new Map([['web', 'human']]))
  const { subject, client, groups, kind, session } = issuer.claims
  assert.deepEqual(
    [subject, client, groups, kind, session],
    ['oid', ['appid'], 'realm_access.roles', 'k', 'sid'],
  )
  const { tenant, algorithms, audiences, allowManyAudiences, interactive } = issuer
  assert.deepEqual(
    [tenant, algorithms, audiences, allowManyAudiences, issuer.kind, interactive],
    ['acme', ['ES256'], ['api'], true, 'service', true],
  )
})

const ASK = 'introspection: { url: https://idp.example/ask, client: { id: gw } }'

test('an issuer that is asked needs no keys, and is believed for 30 seconds', async () => {
  const { jwks, introspection } = await issuerOf(`  - { ${IDP}, ${ASK} }`)
  assert.deepEqual(jwks, { kind: 'none' })
  assert.equal(introspection?.maxAgeMs, 30_000)
  const { url, client } = introspection.endpoint
  assert.deepEqual(
    [url, client.id, client.secret, client.auth],
    ['https://idp.example/ask', 'gw', undefined, 'none'],
  )
})

test('keys come from a file, watched, or stand in the configuration', async () => {
  const files = { '/etc/gh/jwks.json': JSON.stringify({ keys: [KEY] }) }
  const text = `  - { ${IDP}, jwks: { file: jwks.json } }`
  assert.deepEqual((await issuerOf(text, files)).jwks, { kind: 'file', file: '/etc/gh/jwks.json' })
  assert.ok((await settingsOf(issuers(text), { files })).files.includes('/etc/gh/jwks.json'))
  const inline = await issuerOf(`  - { ${IDP}, jwks: { keys: [${JSON.stringify(KEY)}] } }`)
  assert.deepEqual(inline.jwks, { kind: 'inline', keys: [KEY] })
})

const mistakes: Record<string, readonly [text: string, problem: string]> = {
  'no keys': [`  - { ${IDP} }`, '6:5 issuers[0]: needs one of "jwks", "introspection"'],
  'two issuers to ask': [
    `  - { ${IDP}, ${ASK} }\n  - { issuer: 'https://b.example', ${ASK} }`,
    '7:36 issuers[1].introspection: only one issuer can be asked: a token that says nothing does not say whom to ask',
  ],
  'an answer that is believed for long': [
    `  - { ${IDP}, ${ASK.slice(0, -2)}, max_age: 60s } }`,
    '6:114 issuers[0].introspection.max_age: must be from 5s to 30s',
  ],
  'a question in the clear': [
    `  - { ${IDP}, ${ASK.replace('https', 'http')} }`,
    '6:60 issuers[0].introspection.url: tokens would travel unencrypted; use https://',
  ],
  'an empty jwks': [
    `  - { ${IDP}, jwks: {} }`,
    '6:44 issuers[0].jwks: needs one of "url", "file", "keys"',
  ],
  'two sources of keys': [
    `  - { ${IDP}, jwks: { url: 'https://a.example', file: b } }`,
    '6:44 issuers[0].jwks: takes only one of "url", "file", "keys"',
  ],
  'a shared-secret algorithm': [
    `  - { ${IDP}, ${JWKS}, algorithms: [HS256] }`,
    '6:94 issuers[0].algorithms[0]: must be one of "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"; did you mean "RS256"?',
  ],
  'the algorithm none': [
    `  - { ${IDP}, ${JWKS}, algorithms: [none] }`,
    '6:94 issuers[0].algorithms[0]: must be one of "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"',
  ],
  'an issuer over plain HTTP': [
    `  - { issuer: 'http://idp.example', ${JWKS} }`,
    '6:15 issuers[0].issuer: whoever is on the way could mint tokens; use https://, or set allow_insecure_http: true on this issuer',
  ],
  'keys over plain HTTP': [
    `  - { ${IDP}, jwks: { url: 'http://idp.example/jwks' } }`,
    '6:51 issuers[0].jwks.url: whoever is on the way could mint tokens; use https://, or set allow_insecure_http: true on this issuer',
  ],
  'a query in the issuer': [
    `  - { issuer: 'https://idp.example/?a', ${JWKS} }`,
    '6:15 issuers[0].issuer: must not contain a query',
  ],
  'an issuer configured twice': [
    `  - { ${IDP}, ${JWKS} }\n  - { ${IDP}, ${JWKS} }`,
    '7:15 issuers[1].issuer: https://idp.example is already configured above',
  ],
  'an unknown kind': [
    `  - { ${IDP}, ${JWKS}, kind: robot }`,
    '6:87 issuers[0].kind: must be one of "human", "agent", "service"',
  ],
  'an unknown kind of a client': [
    `  - { ${IDP}, ${JWKS}, clients: { web: huma } }`,
    '6:97 issuers[0].clients.web: must be one of "human", "agent", "service"; did you mean "human"?',
  ],
  'a missing key file': [
    `  - { ${IDP}, jwks: { file: nope.json } }`,
    '6:52 issuers[0].jwks.file: cannot read /etc/gh/nope.json: no such file',
  ],
  'a key file that is no JWKS': [
    `  - { ${IDP}, jwks: { file: policy.yaml } }`,
    '6:52 issuers[0].jwks.file: /etc/gh/policy.yaml is no JWKS: {"keys": […]} with at least one key',
  ],
  'a key file without keys': [
    `  - { ${IDP}, jwks: { file: empty.json } }`,
    '6:52 issuers[0].jwks.file: /etc/gh/empty.json is no JWKS: {"keys": […]} with at least one key',
  ],
  'a private key in its key file': [
    `  - { ${IDP}, jwks: { file: private.json } }`,
    '6:52 issuers[0].jwks.file: /etc/gh/private.json: a private key ("d"): keep only the public part',
  ],
  'a private key in the configuration': [
    `  - { ${IDP}, jwks: { keys: [{ kty: RSA, n: a, e: b, dp: c }] } }`,
    '6:53 issuers[0].jwks.keys[0]: a private key ("dp"): keep only the public part',
  ],
  'a symmetric key': [
    `  - { ${IDP}, jwks: { keys: [{ kty: oct, k: a }] } }`,
    '6:53 issuers[0].jwks.keys[0]: a symmetric key could also sign: use a public key',
  ],
}

for (const [what, [text, problem]] of Object.entries(mistakes)) {
  test(`an issuer with ${what} is refused with its position`, async () => {
    const files = {
      '/etc/gh/empty.json': '{"keys":[]}',
      '/etc/gh/private.json': JSON.stringify({ keys: [KEY, { ...KEY, d: 'x' }] }),
    }
    assert.deepEqual(await problemsOf(issuers(text), { files }), [problem])
  })
}

test('plain HTTP issuers are accepted on loopback, or where the operator says so', async () => {
  const loopback = `  - { issuer: 'http://127.0.0.1:1', jwks: { url: 'http://127.0.0.1:1/jwks' } }`
  const allowed = `  - { issuer: 'http://idp.example', jwks: { url: 'http://idp.example/jwks' }, allow_insecure_http: true }`
  for (const text of [loopback, allowed]) {
    assert.deepEqual(await problemsOf(issuers(text)), [])
  }
})

test('accepting any type of token is a warning', async () => {
  assert.deepEqual(await warningsOf(issuers(`  - { ${IDP}, ${JWKS}, types: ['*'] }`)), [
    '6:81 issuers[0].types: any type of token is accepted, ID tokens too',
  ])
})
