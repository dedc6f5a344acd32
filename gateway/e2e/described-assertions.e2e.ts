/**
 * Identity assertions (ID-JAG) of clients that nobody registered, only described at an address of theirs (MCP
 * enterprise-managed authorization §5): of the hosts the operator names for an identity provider, with a key.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'

import { IDP, speakingProvider } from '../testkit/assertions.ts'
import type { LoneIssuer } from '../testkit/lone-issuer.ts'
import { startLoneIssuer } from '../testkit/lone-issuer.ts'
import type { Reply, Tokens } from '../testkit/oauth-agent.ts'
import { claimsOf, OauthAgent } from '../testkit/oauth-agent.ts'
import { createProver } from '../testkit/prover.ts'
import type { Signer } from '../testkit/signer.ts'
import { createSigner } from '../testkit/signer.ts'
import { stopAll } from '../testkit/stop-all.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const OTHER_IDP = 'https://login.other.example'

/** With a key of its own. */
const CHAT = 'https://chat.example/client.json'
/** On the same host, public. */
const PUBLIC = 'https://chat.example/public.json'
/** On a host that the operator named for the other identity provider alone. */
const ELSEWHERE = 'https://elsewhere.example/client.json'
/** Says in its description that it needs people to allow it. */
const ASKING = 'https://chat.example/asking.json'

const [idp, other, key, foreign] = await Promise.all([
  createSigner('RS256'),
  createSigner('ES256'),
  createSigner('ES256', 'chat-1'),
  createSigner('ES256', 'chat-1'),
])

let alone: LoneIssuer
let agent: OauthAgent

before(async () => {
  const describe = (id: string, more: object) => ({
    [id]: { client_id: id, client_name: 'Chat', grant_types: [GRANT], ...more },
  })
  const keyed = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } }
  const provider = (signer: Signer, name: string, issuer: string, clientHosts: readonly string[]) =>
    speakingProvider(signer, {
      name,
      issuer,
      assertions: {
        jwks: { kind: 'inline', keys: [{ ...signer.jwk }] },
        algorithms: [signer.algorithm],
        maxLifeSeconds: 600,
        clientHosts,
      },
    })
  alone = await startLoneIssuer({
    documents: {
      ...describe(CHAT, keyed),
      ...describe(PUBLIC, {}),
      ...describe(ELSEWHERE, keyed),
      ...describe(ASKING, {
        ...keyed,
        grant_types: ['authorization_code'],
        redirect_uris: ['https://chat.example/cb'],
      }),
    },
    signIn: new Map([
      ['corp', provider(idp, 'corp', IDP, ['chat.example'])],
      ['other', provider(other, 'other', OTHER_IDP, ['elsewhere.example'])],
    ]),
  })
  agent = new OauthAgent(alone.origin)
})

after(() => stopAll(alone))

type More = Readonly<Record<string, unknown>>
type Form = Readonly<Record<string, string>>

function times() {
  const iat = Math.floor(Date.now() / 1_000)
  return { iat, exp: iat + 300, jti: randomUUID(), aud: alone.origin }
}

/** What the identity provider says of Bea. */
const speak = (client: string, more: More = {}): Promise<string> =>
  idp.sign(
    {
      ...times(),
      iss: IDP,
      sub: '00u1',
      client_id: client,
      resource: `${alone.origin}/mcp`,
      ...more,
    },
    { typ: 'oauth-id-jag+jwt' },
  )

/** What a client with a key of its own authenticates itself with. */
const prove = async (client: string, by = key): Promise<Form> => ({
  client_assertion_type: ASSERTION_TYPE,
  client_assertion: await by.sign({ ...times(), iss: client, sub: client }, { typ: 'JWT' }),
})

const ask = (assertion: string, form: Form, headers: Form = {}): Promise<Reply<Tokens>> =>
  agent.token({ grant_type: GRANT, assertion, ...form }, headers)

async function errorOf(asked: Promise<Reply<Tokens>>): Promise<string> {
  const { status, json } = await asked
  assert.equal(json.access_token, undefined)
  return `${status} ${String(Reflect.get(json, 'error'))}`
}

test('T-18 a client described on a host that the operator did not name for this identity provider gets nothing', async () => {
  const form = await prove(ELSEWHERE)
  assert.equal(await errorOf(ask(await speak(ELSEWHERE), form)), '400 unauthorized_client')
  const unknown = 'https://evil.example/client.json'
  assert.equal(
    await errorOf(ask(await speak(unknown), { client_id: unknown })),
    '400 invalid_client',
  )
  const asking = ask(await speak(ASKING), await prove(ASKING))
  assert.equal(await errorOf(asking), '400 invalid_request', 'it did not say that it would')
})

test('T-18 an assertion is of no use to another client, without its key, twice, or as that of another provider', async () => {
  const text = await speak(CHAT)
  const wrong: readonly (readonly [Form, string])[] = [
    [{ client_id: CHAT }, '401 invalid_client'],
    [await prove(CHAT, foreign), '401 invalid_client'],
    [await prove(ELSEWHERE), '400 unauthorized_client'],
    [{ client_id: PUBLIC }, '400 unauthorized_client'],
    [{ ...(await prove(CHAT)), client_id: PUBLIC }, '400 invalid_request'],
  ]
  for (const [form, error] of wrong) assert.equal(await errorOf(ask(text, form)), error)
  const forged: readonly More[] = [
    { iss: OTHER_IDP },
    { client_id: PUBLIC },
    { aud: 'https://other.example' },
    { exp: times().iat + 601 },
    { authorization_details: [] },
  ]
  for (const claims of forged) {
    const asked = ask(await speak(CHAT, claims), await prove(CHAT))
    assert.equal(await errorOf(asked), '400 invalid_grant', JSON.stringify(claims))
  }
  const first = await ask(text, await prove(CHAT))
  assert.equal(first.status, 200, 'none of that has used it up')
  assert.equal(await errorOf(ask(text, await prove(CHAT))), '400 invalid_grant')
})

test('T-17 a chain of actors that is too long, or names somebody twice, is refused', async () => {
  const chain = (...names: readonly string[]): object =>
    names.reduceRight<object>((act, sub) => ({ sub, ...('sub' in act && { act }) }), {})
  for (const act of [chain('a', 'b', 'c', 'd'), chain('a', 'b', 'a'), { sub: '00u1' }]) {
    const asked = ask(await speak(CHAT, { act }), await prove(CHAT))
    assert.equal(await errorOf(asked), '400 invalid_grant', JSON.stringify(act))
  }
  const { json } = await ask(await speak(CHAT, { act: chain('a', 'b', 'c') }), await prove(CHAT))
  const depth = JSON.stringify(claimsOf(json.access_token)['act']).match(/"sub"/g)?.length
  assert.equal(depth, 4)
})

test('A client with a key of its own, described on a host the operator named, works for the person unasked', async () => {
  const { status, json } = await ask(await speak(CHAT), await prove(CHAT))
  assert.equal(status, 200)
  const { sub, client_id: client, gty, act, aud, ...claims } = claimsOf(json.access_token)
  assert.deepEqual([sub, client, gty], ['corp|00u1', CHAT, 'id_jag'])
  assert.deepEqual(act, { sub: CHAT, iss: alone.origin })
  assert.deepEqual([aud, claims['urn:gw:kind']], [`${alone.origin}/mcp`, 'agent'])
  assert.equal(json.refresh_token, undefined)
})

test('A public one needs an assertion for a key, and shows that it has it', async () => {
  const [holder, thief] = await Promise.all([createProver(), createProver()])
  const proof = (by = holder) => {
    const nowSeconds = Math.floor(Date.now() / 1_000)
    const url = `${alone.origin}/oauth/token`
    const request = { token: '', httpMethod: 'POST', url, nowSeconds }
    return by.prove(request, { claims: { ath: undefined } })
  }
  const bound = await speak(PUBLIC, { cnf: { jkt: holder.thumbprint } })
  const form = { client_id: PUBLIC }
  assert.equal(await errorOf(ask(bound, form)), '400 invalid_grant')
  const stolen = ask(bound, form, { dpop: await proof(thief) })
  assert.equal(await errorOf(stolen), '400 invalid_grant')
  // A proof is no reason to believe a copy of an assertion that is for no key.
  const loose = ask(await speak(PUBLIC), form, { dpop: await proof() })
  assert.equal(await errorOf(loose), '400 unauthorized_client')
  const { status, json } = await ask(bound, form, { dpop: await proof() })
  assert.deepEqual([status, Reflect.get(json, 'token_type')], [200, 'DPoP'])
})
