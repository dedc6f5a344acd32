import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Caller } from '../model/caller.ts'
import type { ExchangeCredential } from '../model/credential.ts'
import type { GatehouseEvent } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { segment } from '../testkit/signer.ts'
import type { TokenAnswer, TokenRequest } from './ask-token.ts'
import { createExchange, type Bought } from './exchange.ts'
import type { Found } from './found.ts'

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:'

const FILES: ExchangeCredential = {
  kind: 'exchange',
  place: { header: 'Authorization', as: 'bearer', user: '' },
  flow: 'token_exchange',
  endpoint: {
    url: 'https://idp.example/token',
    client: { id: 'gateway', secret: new Secret('hush'), auth: 'basic' },
  },
  resourceEndpoint: undefined,
  audience: 'files',
  resource: undefined,
  scopes: ['files.read'],
  subjectTokenType: 'access_token',
  actor: 'none',
}

const JAG: ExchangeCredential = {
  ...FILES,
  flow: 'id_jag',
  audience: 'https://files.example',
  resource: 'https://files.example/mcp',
  resourceEndpoint: {
    url: 'https://files.example/token',
    client: { id: 'gateway-there', secret: new Secret('there'), auth: 'post' },
  },
}

function token(claims: object): string {
  return `${segment({ alg: 'RS256', typ: 'at+jwt' })}.${segment(claims)}.${segment('s')}`
}

/** An exchange whose endpoints give these answers, the last again and again. */
function at(...answers: readonly Partial<Extract<TokenAnswer, { kind: 'token' }>>[]) {
  return withAnswers(
    answers.map((answer, index) => ({
      kind: 'token',
      accessToken: `bought-${index}`,
      issuedTokenType: undefined,
      expiresInSeconds: 300,
      refreshToken: undefined,
      scopes: undefined,
      body: {},
      ...answer,
    })),
  )
}

function withAnswers(answers: readonly TokenAnswer[]) {
  const clock = { nowMs: 1_000_000 }
  const asked: TokenRequest[] = []
  const events: GatehouseEvent[] = []
  const exchange = createExchange({
    ask: async (request) => {
      asked.push(request)
      return answers[Math.min(asked.length, answers.length) - 1]!
    },
    sign: (claims, type) => `signed ${JSON.stringify({ ...claims, jti: undefined, type })}`,
    issuer: 'https://gw.example',
    now: () => clock.nowMs,
    emit: (event) => events.push(event),
  })
  return { clock, asked, events, exchange }
}

function bought(over: Partial<Bought> = {}): Bought {
  return { server: 'docs', caller: testCaller(), credential: FILES, token: token({}), ...over }
}

function valueOf(found: Found): string {
  return found.kind === 'injection' ? found.injection[1] : found.reason
}

test('The caller’s token is exchanged for the configured audience and scopes, and the new one is sent', async () => {
  const { asked, exchange } = at({})
  const own = bought()
  assert.equal(valueOf(await exchange.find(own)), 'Bearer bought-0')
  assert.deepEqual(asked[0]?.parameters, {
    subject_token: own.token,
    subject_token_type: `${TOKEN_TYPE}access_token`,
    requested_token_type: `${TOKEN_TYPE}access_token`,
    scope: 'files.read',
    audience: 'files',
  })
})

test('Many calls at once buy one token, and those after them have it without waiting', async () => {
  const { asked, exchange } = at({})
  const own = bought()
  const all = await Promise.all(Array.from({ length: 20 }, async () => await exchange.find(own)))
  assert.equal(new Set(all).size, 1)
  assert.ok(!(exchange.find(own) instanceof Promise))
  assert.equal(asked.length, 1)
})

test('A bought token is of one caller object and one credential, whatever they share', async () => {
  const { asked, exchange } = at({}, {}, {})
  await exchange.find(bought())
  await exchange.find(bought({ caller: testCaller({ subject: 'bob' }) }))
  const caller = testCaller()
  await exchange.find(bought({ caller }))
  await exchange.find(bought({ caller, credential: { ...FILES } }))
  assert.equal(asked.length, 4)
})

for (const [what, answer, keptMs] of [
  ['shortly before it ends', { expiresInSeconds: 300 }, 270_000],
  ['until a tenth of a short life is left', { expiresInSeconds: 60 }, 54_000],
  ['a minute when nobody says how long it lives', { expiresInSeconds: undefined }, 54_000],
  ['a quarter of an hour at most', { expiresInSeconds: 86_400 }, 900_000],
] as const) {
  test(`A bought token is kept ${what}`, async () => {
    const { clock, asked, exchange } = at(answer)
    const own = bought()
    await exchange.find(own)
    clock.nowMs += keptMs - 1
    await exchange.find(own)
    assert.equal(asked.length, 1)
    clock.nowMs += 1
    await exchange.find(own)
    assert.equal(asked.length, 2)
  })
}

test('A bought token ends with the token it was bought with', async () => {
  const { clock, asked, exchange } = at({})
  const own = bought({ caller: testCaller({ expiresAtSeconds: 1_010 }) })
  await exchange.find(own)
  clock.nowMs += 10_000
  await exchange.find(own)
  assert.equal(asked.length, 2)
})

test('A refusal is remembered for ten seconds and tells the caller nothing the provider said', async () => {
  const { clock, asked, exchange, events } = withAnswers([
    { kind: 'refused', code: 'invalid_grant' },
  ])
  const own = bought()
  assert.equal(
    valueOf(await exchange.find(own)),
    'The identity provider gives no token for this server',
  )
  clock.nowMs += 9_999
  await exchange.find(own)
  assert.equal(asked.length, 1)
  clock.nowMs += 1
  await exchange.find(own)
  assert.equal(asked.length, 2)
  const detail = 'refused: invalid_grant'
  assert.deepEqual(events[0], {
    type: 'swapped',
    server: 'docs',
    mode: 'exchange',
    ok: false,
    detail,
  })
})

test('A provider that is down refuses the call as unavailable and is asked again after a second', async () => {
  const { clock, asked, exchange } = withAnswers([{ kind: 'unavailable', detail: 'server_error' }])
  const own = bought()
  const isUnavailable = (error: unknown) =>
    error instanceof Refusal && error.code === 'credential_unavailable'
  await assert.rejects(async () => await exchange.find(own), isUnavailable)
  assert.throws(() => exchange.find(own), isUnavailable)
  assert.equal(asked.length, 1)
  clock.nowMs += 1_000
  await assert.rejects(async () => await exchange.find(own), isUnavailable)
  assert.equal(asked.length, 2)
})

test('A provider that hands the caller’s own token back gives nothing: tokens are not passed through', async () => {
  const own = bought()
  const { exchange } = at({ accessToken: own.token ?? '' })
  await assert.rejects(async () => await exchange.find(own), /cannot be had/)
})

for (const [what, answer] of [
  ['an ID token', { issuedTokenType: `${TOKEN_TYPE}id_token` }],
  ['what is said to be no access token', { body: { token_type: 'n_a' } }],
  ['a token with a line break', { accessToken: 'a\r\nx-admin: 1' }],
] as const) {
  test(`An exchange that gives ${what} gives nothing`, async () => {
    const { exchange } = at(answer)
    await assert.rejects(async () => await exchange.find(bought()), /cannot be had/)
  })
}

test('An API key cannot be exchanged, and no endpoint is asked', async () => {
  const { asked, exchange } = at({})
  const found = await exchange.find(bought({ caller: testCaller({ via: 'api_key' }) }))
  assert.equal(found.kind, 'missing')
  assert.equal(asked.length, 0)
})

const PROVIDER = testCaller().issuer

/** A caller whose verified token says who may act with it. */
function mayAct(by: unknown, more: Partial<Caller> = {}): Partial<Bought> {
  return { caller: testCaller({ ...more, claims: { may_act: by } }) }
}

for (const [by, kind] of [
  [{ sub: 'gateway' }, 'injection'],
  [{ sub: 'gateway', iss: PROVIDER }, 'injection'],
  [{ sub: 'gateway', iss: 'https://elsewhere.example' }, 'missing'],
  [{ sub: 'somebody-else' }, 'missing'],
  [{}, 'missing'],
  [null, 'missing'],
  ['gateway', 'missing'],
] as const) {
  test(`A token with may_act ${JSON.stringify(by)} ends as ${kind}`, async () => {
    const { asked, exchange } = at({})
    const found = await exchange.find(bought(mayAct(by)))
    assert.equal(found.kind, kind)
    assert.equal(asked.length, kind === 'injection' ? 1 : 0)
  })
}

test('An opaque token says in its introspection who may act with it, and that counts', async () => {
  const { asked, exchange } = at({})
  const found = await exchange.find(
    bought({ ...mayAct({ sub: 'somebody-else' }), token: 'opaque' }),
  )
  assert.equal(found.kind, 'missing')
  assert.equal(asked.length, 0)
})

test('A statement of our own about a caller is not made for one who let somebody else act', async () => {
  const { asked, exchange } = at({})
  const credential = { ...FILES, flow: 'jwt_bearer' } as const
  const found = await exchange.find(bought({ ...mayAct({ sub: 'somebody-else' }), credential }))
  assert.equal(found.kind, 'missing')
  assert.equal(asked.length, 0)
})

test('With a signed actor, may_act must name that actor, and the actor token names it to the provider', async () => {
  const { asked, exchange } = at({})
  const credential = { ...FILES, actor: 'signed' } as const
  const by = { sub: 'bot' }
  const own = { credential, ...mayAct(by, { subject: 'alice', client: 'bot' }) }
  assert.equal((await exchange.find(bought(own))).kind, 'injection')
  const { actor_token: actor = '', actor_token_type: type } = asked[0]?.parameters ?? {}
  assert.equal(type, `${TOKEN_TYPE}jwt`)
  assert.deepEqual(JSON.parse(actor.replace('signed ', '')), {
    iss: 'https://gw.example',
    sub: 'bot',
    aud: 'https://idp.example',
    iat: 1_000,
    exp: 1_060,
    type: 'JWT',
  })
  const other = { credential, ...mayAct(by, { subject: 'alice', client: 'other-bot' }) }
  assert.equal((await exchange.find(bought(other))).kind, 'missing')
})

test('On behalf of: Entra is asked in its own words', async () => {
  const { asked, exchange } = at({})
  const own = bought({
    credential: { ...FILES, flow: 'on_behalf_of', scopes: ['api://x/.default'] },
  })
  await exchange.find(own)
  assert.equal(asked[0]?.grantType, 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  assert.deepEqual(asked[0]?.parameters, {
    assertion: own.token,
    requested_token_use: 'on_behalf_of',
    scope: 'api://x/.default',
  })
})

test('ID-JAG: an assertion from the caller’s provider buys the token at the server’s', async () => {
  const idJag = { issuedTokenType: `${TOKEN_TYPE}id-jag`, accessToken: 'assertion' }
  const { asked, exchange } = at(idJag, {})
  assert.equal(valueOf(await exchange.find(bought({ credential: JAG }))), 'Bearer bought-1')
  const [first, second] = asked
  assert.equal(first?.parameters['requested_token_type'], `${TOKEN_TYPE}id-jag`)
  assert.equal(first?.parameters['audience'], 'https://files.example')
  assert.equal(first?.parameters['resource'], 'https://files.example/mcp')
  assert.equal(second?.endpoint, JAG.resourceEndpoint)
  assert.deepEqual(second?.parameters, { assertion: 'assertion', scope: 'files.read' })
})

test('ID-JAG: what is no identity assertion is not shown to the server’s provider', async () => {
  const { asked, exchange } = at({ issuedTokenType: `${TOKEN_TYPE}access_token` })
  await assert.rejects(async () => await exchange.find(bought({ credential: JAG })))
  assert.equal(asked.length, 1)
})

test('JWT bearer: our own statement names the caller, and its token is not sent anywhere', async () => {
  const { asked, exchange } = at({})
  const own = bought({ credential: { ...FILES, flow: 'jwt_bearer' } })
  await exchange.find(own)
  const { assertion = '', ...rest } = asked[0]?.parameters ?? {}
  assert.deepEqual(rest, { scope: 'files.read' })
  const { sub, aud, iss } = JSON.parse(assertion.replace('signed ', '')) as Record<string, unknown>
  assert.deepEqual({ sub, aud, iss }, { sub: 'agent-1', aud: 'files', iss: 'https://gw.example' })
  assert.ok(!JSON.stringify(asked).includes(own.token ?? 'none'))
})

test('A token that the server refused is bought again once, however many calls it was refused for', async () => {
  const { asked, exchange } = at({}, {})
  const own = bought()
  const refused = await exchange.find(own)
  const again = await Promise.all([exchange.renew(own, refused), exchange.renew(own, refused)])
  assert.deepEqual(again.map(valueOf), ['Bearer bought-1', 'Bearer bought-1'])
  assert.equal(await exchange.renew(own, refused), again[0])
  assert.equal(asked.length, 2)
})
