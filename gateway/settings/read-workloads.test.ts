/** Who may speak at the token endpoint for people and programs: what a configuration may say of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { problemsOf, settingsOf, warningsOf } from '../testkit/settings-file.ts'

const KEYS = 'jwks: { keys: [{ kty: EC, crv: P-256, x: x, y: y }] }'
const IDP = "issuer: 'https://idp.example', client_id: g, client_secret: '${env:GATEHOUSE_KEYS}'"
const ASSERTIONS = `identity_assertions: { ${KEYS} }`
const ACCEPT = "accept: [{ subject: 'repo:acme/agents:*', client: builds }]"

function config(section: string): string {
  return `version: 1
public_url: https://gw.example
servers:
  docs: { upstream: 'http://127.0.0.1:3001/mcp' }
policies: [policy.yaml]
authorization_server: ${section}
`
}

const platform = (more: string, name = 'github') =>
  `{ workloads: { ${name}: { issuer: 'https://actions.example', ${KEYS}, ${more} } } }`

test('A platform and whom it speaks for are read with careful defaults', async () => {
  const { authorizationServer: own } = await settingsOf(config(platform(ACCEPT)))
  assert.deepEqual(own?.workloads.get('github'), {
    name: 'github',
    issuer: 'https://actions.example',
    jwks: { kind: 'inline', keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] },
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    maxLifeSeconds: 3_600,
    audiences: [],
    singleUse: true,
    accept: [
      {
        subject: 'repo:acme/agents:*',
        claims: new Map(),
        client: 'builds',
        kind: 'service',
        groups: [],
        servers: undefined,
        scopes: undefined,
      },
    ],
  })
})

test('An identity provider speaks for people only where that is said', async () => {
  const silent = await settingsOf(config(`{ sign_in: { corp: { ${IDP} } } }`))
  assert.equal(silent.authorizationServer?.signIn.get('corp')?.assertions, undefined)
  const clients = "clients: { a: { grants: [jwt_bearer], secret: '${env:GATEHOUSE_KEYS}' } }"
  const { authorizationServer: own } = await settingsOf(
    config(`{ sign_in: { corp: { ${IDP}, ${ASSERTIONS} } }, ${clients} }`),
  )
  assert.equal(own?.signIn.get('corp')?.assertions?.maxLifeSeconds, 600)
  assert.deepEqual(own.clients.get('a')?.grants, ['jwt_bearer'])
})

test('Who may speak for whom is refused where it says too much, and where it stands', async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    [platform("accept: [{ subject: '**', client: a }]"), /must begin with a literal character/],
    [platform("accept: [{ subject: '?x', client: a }]"), /must begin with a literal character/],
    [platform("accept: [{ subject: a, client: 'https://a' }]"), /letters, digits/],
    [platform('accept: [{ subject: a, client: a, kind: human }]'), /agent/],
    [platform('accept: [{ subject: a, client: a, servers: [dosc] }]'), /did you mean "docs"/],
    [platform('accept: []'), /accept/],
    [platform(`${ACCEPT}, max_life: 10s`), /from 1m to 24h/],
    [platform(`${ACCEPT}, algorithms: [HS256]`), /algorithms/],
    [platform(ACCEPT, 'local'), /ids of people/],
    [platform(ACCEPT).replace('keys: [{ kty: EC', 'keys: [{ d: x, kty: EC'), /private key/],
    [platform(ACCEPT).replace(KEYS, "jwks: { url: 'http://a.example/keys' }"), /use https/],
    [
      `{ sign_in: { github: { ${IDP} } }, ${platform(ACCEPT).slice(2)}`,
      /workloads.github: ids of people/,
    ],
    [
      `{ clients: { builds: { redirect_uris: ['https://x/'] } }, ${platform(ACCEPT).slice(2)}`,
      /client: clients has a builds/,
    ],
    [
      `{ workloads: { a: { issuer: x, ${KEYS}, ${ACCEPT} }, b: { issuer: x, ${KEYS}, ${ACCEPT} } } }`,
      /is that of a already/,
    ],
    [
      `{ sign_in: { a: { ${IDP}, ${ASSERTIONS} }, b: { ${IDP}, ${ASSERTIONS} } } }`,
      /another one of this issuer/,
    ],
    [
      `{ sign_in: { a: { ${IDP}, identity_assertions: { ${KEYS}, max_life: 2h } } } }`,
      /from 1m to 1h/,
    ],
    [
      `{ client_documents: { mode: off }, sign_in: { a: { ${IDP}, identity_assertions: { ${KEYS}, client_hosts: [x] } } } }`,
      /client_documents.mode is off/,
    ],
    ['{ clients: { a: { grants: [jwt_bearer] } } }', /needs a secret or jwks/],
    [
      "{ clients: { a: { grants: [jwt_bearer], secret: '${env:GATEHOUSE_KEYS}' } } }",
      /needs identity_assertions/,
    ],
    ['{ registration: { tokens: { t: { grants: [jwt_bearer] } } } }', /grants/],
  ]
  for (const [section, message] of wrong) {
    const problems = await problemsOf(config(section))
    assert.match(problems.join('\n'), message, section)
    assert.match(problems.join('\n'), /^6:/m, section)
  }
})

test('Tokens that count more than once are warned of', async () => {
  const warnings = await warningsOf(config(platform(`${ACCEPT}, single_use: false`)))
  assert.match(warnings.join(), /single_use: whoever copies one/)
  assert.doesNotMatch((await warningsOf(config(platform(ACCEPT)))).join(), /single_use/)
})
