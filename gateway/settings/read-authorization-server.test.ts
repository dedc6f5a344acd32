import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf, settingsOf, warningsOf } from '../testkit/settings-file.ts'

const HASH = `scrypt$15$8$3$${'a'.repeat(22)}$${'b'.repeat(43)}`
const USERS = `version: 1\nusers:\n  alice: { password: '${HASH}', groups: [analysts] }\n`

const IDP = "issuer: 'https://idp.example', client_id: g, client_secret: '${env:GATEHOUSE_KEYS}'"

function config(section: string, url = 'https://gw.example'): string {
  return `version: 1
public_url: ${url}
servers:
  docs: { upstream: 'http://127.0.0.1:3001/mcp' }
policies: [policy.yaml]
authorization_server: ${section}
`
}

test('One word makes the gateway its own authorization server, at the origin of its public URL', async () => {
  const { authorizationServer: own } = await settingsOf(
    config('embedded', 'https://gw.example/api'),
  )
  assert.equal(own?.issuer, 'https://gw.example')
  const day = 86_400
  const lives = { accessTokenSeconds: 300, refreshTokenSeconds: 14 * day, sessionSeconds: 30 * day }
  assert.deepEqual(own.lives.agent, lives)
  assert.deepEqual(own.lives.service, lives)
  assert.deepEqual(own.lives.human, { ...lives, sessionSeconds: 90 * day })
  assert.equal(own.registration.mode, 'open')
  assert.equal(own.users.size, 0)
  assert.deepEqual(own, (await settingsOf(config('{}'))).authorizationServer)
})

test('Lives are said by kind; what is not said is as for all', async () => {
  const lives = '{ human: { session: 12h }, service: { access_token: 10m, refresh_token: 1h } }'
  const { authorizationServer: own } = await settingsOf(
    config(`{ access_token_life: 2m, lives: ${lives} }`),
  )
  assert.equal(own?.lives.human.sessionSeconds, 43_200)
  assert.equal(own.lives.human.accessTokenSeconds, 120)
  assert.equal(own.lives.agent.accessTokenSeconds, 120)
  assert.equal(own.lives.service.accessTokenSeconds, 600)
  assert.equal(own.lives.service.refreshTokenSeconds, 3_600)
})

test('Requests from one network and tokens of one client are limited, as far as is said otherwise', async () => {
  const limitsOf = async (section: string) =>
    (await settingsOf(config(section))).authorizationServer?.limits
  assert.deepEqual(await limitsOf('embedded'), {
    network: { perSecond: 1_000, burst: 10_000 },
    client: { perSecond: 200, burst: 2_000 },
  })
  assert.deepEqual(await limitsOf('{ limits: { network: none, client: { rate: 60/m } } }'), {
    network: undefined,
    client: { perSecond: 1, burst: 10 },
  })
})

test('Users come from their own file, whose mistakes have their place there', async () => {
  const settings = await settingsOf(config('{ users: users.yaml }'), {
    files: { '/etc/gh/users.yaml': USERS },
  })
  const alice = settings.authorizationServer?.users.get('alice')
  assert.deepEqual([alice?.name, alice?.groups, alice?.scopes], ['alice', ['analysts'], undefined])
  assert.ok(settings.files.includes('/etc/gh/users.yaml'))
})

test('Codes and passwords do not travel in the clear, except to this machine', async () => {
  const problems = await problemsOf(config('embedded', 'http://gw.example'))
  assert.match(problems[0] ?? '', /^2:13 public_url: must be https/)
  assert.ok((await settingsOf(config('embedded', 'http://127.0.0.1:8787'))).authorizationServer)
})

test('Where codes may be sent is a host, with a port where it is another one, or a scheme', async () => {
  const listed = (entry: string) => config(`{ registration: { redirect_hosts: ['${entry}'] } }`)
  const right = [
    'App.example',
    '*.app.example',
    'app.example:8443',
    'localhost',
    '[::1]',
    'cursor:',
  ]
  for (const entry of right) {
    const { authorizationServer: own } = await settingsOf(listed(entry))
    assert.deepEqual(own?.registration.redirectHosts, [entry.toLowerCase()])
  }
  for (const [entry, message] of [
    ['https://app.example', /must be a host/],
    ['app.example/cb', /must be a host/],
    ['*', /must be a host/],
    ['bücher.example', /must be a host/],
    ['app.example:443', /must be app.example alone: without a port it is 443/],
    ['localhost:3118', /must be localhost alone/],
    ['[::1]:80', /must be \[::1\] alone/],
  ] as const) {
    const problems = await problemsOf(listed(entry))
    assert.match(problems[0] ?? '', /^6:58 authorization_server.registration.redirect_hosts/)
    assert.match(problems[0] ?? '', message)
  }
})

const exchanging = (from: string, to: string): string =>
  `grants: [token_exchange], may_exchange: { from: [${from}], to: [${to}] }`

const vouching = (more: string): string =>
  `{ registration: { statements: { vendor: { issuer: 'https://v.example', jwks: { keys: [{ kty: EC, crv: P-256, x: x, y: y }] }, ${more} } } } }`

test('Who vouches for software is read with what such software may', async () => {
  const { authorizationServer: own } = await settingsOf(config(vouching('kind: human')))
  const { issuer, kind, grants, name } = own?.registration.statements.get('vendor') ?? {}
  assert.deepEqual(
    [name, issuer, kind, grants],
    ['vendor', 'https://v.example', 'human', ['authorization_code']],
  )
  assert.equal(own?.registration.mode, 'open')
})

test('What cannot work is refused where it stands', async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['yes please', /must be embedded/],
    ['{ access_token_life: 2h }', /must be from 1m to 1h/],
    ['{ lives: { agent: { access_token: 2h } } }', /agent.access_token: must be from 1m to 1h/],
    ['{ lives: { human: { refresh_token: 91d } } }', /must be from 5m to 90d/],
    ['{ lives: { service: { session: 4m } } }', /must be from 5m to 90d/],
    ['{ lives: { robot: {} } }', /robot/],
    ['{ limits: { network: 0/s } }', /network/],
    ['{ limits: { client: { rate: 10/d } } }', /must be a rate such as/],
    ['{ limits: { everybody: none } }', /everybody/],
    ['{ clients: { a: {} } }', /authorization_code needs redirect_uris/],
    ['{ clients: { a: { grants: [client_credentials] } } }', /needs a secret or jwks/],
    ["{ clients: { a: { redirect_uris: ['http://x/cb'] } } }", /must be https outside loopback/],
    ["{ clients: { a: { redirect_uris: ['https://x/cb#f'] } } }", /fragment/],
    ["{ clients: { a: { redirect_uris: ['cursor://x'] } } }", /must have a dot/],
    ['{ clients: { a: { secret: hunter2, grants: [client_credentials] } } }', /must not stand in/],
    [
      "{ clients: { a: { servers: [dosc], redirect_uris: ['https://x/'] } } }",
      /did you mean "docs"/,
    ],
    [`{ clients: { a: { grants: [token_exchange] } } }`, /needs may_exchange/],
    [
      `{ clients: { a: { ${exchanging('docs', 'docs')} } } }`,
      /may_exchange: needs a secret or jwks/,
    ],
    [`{ clients: { a: { ${exchanging('dosc', 'docs')} } } }`, /from\[0\]: .*did you mean "docs"/],
    [`{ clients: { a: { ${exchanging('docs', 'dosc')} } } }`, /to\[0\]: .*did you mean "docs"/],
    [`{ clients: { a: { kind: human, ${exchanging('docs', 'docs')} } } }`, /kind human cannot/],
    [
      "{ clients: { a: { redirect_uris: ['https://x/'], may_exchange: { from: [docs], to: [docs] } } } }",
      /needs token_exchange among grants/,
    ],
    ['{ registration: { tokens: { t: { grants: [token_exchange] } } } }', /grants/],
    ['{ registration: { mode: token } }', /nobody can register/],
    ['{ registration: { mode: statement } }', /statement without any .* nobody can register/],
    [vouching('grants: [client_credentials]'), /grants/],
    [vouching('servers: [dosc]'), /did you mean "docs"/],
    [vouching('groups: [admins]'), /groups/],
    [vouching('algorithms: [none]'), /algorithms/],
    [vouching('kind: human').replace('{ kty: EC', '{ d: x, kty: EC'), /private key/],
    ['{ users: users.yaml }', /cannot read/],
    [`{ sign_in: { corp: { ${IDP}, scopes: [profile] } } }`, /must hold openid/],
    [`{ sign_in: { local: { ${IDP} } } }`, /users of this gateway/],
    [`{ sign_in: { corp: { ${IDP}, parameters: { redirect_uri: x } } } }`, /set by the gateway/],
    [`{ sign_in: { corp: { ${IDP.replace('https', 'http')} } } }`, /must be https/],
  ]
  for (const [section, message] of wrong) {
    const problems = await problemsOf(config(section))
    assert.match(problems.join('\n'), message, section)
    assert.match(problems.join('\n'), /^6:/m, section)
  }
})

test('No server and no other issuer can stand in its place', async () => {
  const taken = config('embedded').replace("mcp' }", "mcp', path: /oauth/x }")
  assert.match((await problemsOf(taken)).join(), /belongs to the authorization server/)
  const twice = `${config('embedded')}issuers: [{ issuer: 'https://gw.example', jwks: { url: 'https://gw.example/j' } }]\n`
  assert.match((await problemsOf(twice)).join(), /names as another one/)
})

test('A server may name it among the issuers it trusts', async () => {
  const text = config('embedded').replace("mcp' }", "mcp', issuers: ['https://gw.example'] }")
  assert.deepEqual((await settingsOf(text)).servers[0]?.issuers, ['https://gw.example'])
})

test('Without a key ring it says what is lost with the process', async () => {
  const warnings = await warningsOf(config('embedded', 'http://127.0.0.1:1'), {
    env: { GATEHOUSE_KEYS: '' },
  })
  assert.match(warnings.join(), /without a key ring/)
})
