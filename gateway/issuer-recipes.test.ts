/** Holds the recipes of docs/identity.md to the program: with each, tokens shaped as that provider's are read as it says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Caller } from './model/caller.ts'
import { ISSUER, testIdentity } from './testkit/identity.ts'
import type { IdpQuirks } from './testkit/idp-quirks.ts'
import { entra, keycloak, okta } from './testkit/idp-quirks.ts'
import { settingsOf } from './testkit/settings-file.ts'
import type { Signer } from './testkit/signer.ts'
import { createSigner } from './testkit/signer.ts'

const PAGE = readFileSync(new URL('../docs/identity.md', import.meta.url), 'utf8')
const URL_OF_DOCS = 'https://mcp.example.com/mcp'
const APPLICATION_ID = '6f1c7a52-0c1e-4b7e-9d1a-2b4f5a6c7d8e'

const signer: Signer = await createSigner('RS256')

/** The recipes under a heading, in their order. */
function recipes(heading: string): readonly string[] {
  const section = PAGE.split(`\n### ${heading}\n`)[1]?.split(/\n##/)[0] ?? ''
  return Array.from(section.matchAll(/^```yaml\n(.*?)^```$/gms), ([, yaml = '']) => yaml)
}

/** A gateway with a recipe, changed where a test says so, and what it makes of the claims of a token. */
async function gatewayWith(recipe: string, more: object = {}) {
  const servers = 'servers:\n  docs:\n    upstream: https://docs.internal/mcp\n'
  const settings = await settingsOf(
    `version: 1\npublic_url: https://mcp.example.com\npolicies: [policy.yaml]\n` +
      recipe +
      (recipe.includes('servers:') ? '' : servers),
  )
  const [issuer] = settings.issuers
  const [server] = settings.servers
  assert.ok(issuer !== undefined && server !== undefined)
  const keys = { kind: 'inline', keys: [{ ...signer.jwk }] } as const
  const identity = testIdentity({ issuers: [{ ...issuer, jwks: keys, ...more }] })
  const nowSeconds = identity.world.nowMs / 1000
  return async (
    { header, claims }: ReturnType<IdpQuirks['token']>,
    changes: object = {},
  ): Promise<Caller | string> => {
    const times = { iat: nowSeconds, exp: nowSeconds + 300 }
    const token = await signer.sign(
      { iss: issuer.issuer, sub: '00u1', jti: 'onrtac:1', ...times, ...claims, ...changes },
      { typ: undefined, ...header },
    )
    return await identity.bearer(token, server)
  }
}

const FACTS = { issuer: ISSUER, subject: '00u1', client: 'agent-app' }

/** What a test compares of a caller. */
function summaryOf(caller: Caller | string): unknown {
  if (typeof caller === 'string') return caller
  const { subject, client, groups, scopes } = caller
  return { subject, client, groups: [...groups], scopes: [...scopes] }
}

/** Why a token was refused; a caller is no reason. */
function refusalIn(answer: Caller | string): string {
  return typeof answer === 'string' ? answer : `let in as ${answer.subject}`
}

test('a token of Keycloak is read as its recipe says, and only one that is for the server alone', async () => {
  const ask = await gatewayWith(recipes('Keycloak')[0] ?? '')
  const token = keycloak([URL_OF_DOCS]).token({ ...FACTS, scopes: ['docs:read'] })
  assert.deepEqual(summaryOf(await ask(token)), {
    subject: '00u1',
    client: 'agent-app',
    groups: ['analysts', 'offline_access'],
    scopes: ['openid', 'profile', 'docs:read'],
  })
  for (const aud of [undefined, 'account', [URL_OF_DOCS, 'account']]) {
    assert.match(refusalIn(await ask(token, { aud })), /wrong_audience|bad_claim/)
  }
  assert.equal(await ask(token, { sub: undefined }), 'invalid_token: bad_claim')
})

test('what the notes on Keycloak offer is there: several audiences, roles of a client', async () => {
  const recipe = recipes('Keycloak')[0] ?? ''
  const changed = recipe.replace('realm_access.roles', 'resource_access.gatehouse.roles')
  const ask = await gatewayWith(changed, { allowManyAudiences: true })
  const caller = await ask(keycloak([URL_OF_DOCS, 'account']).token({ ...FACTS, scopes: [] }))
  assert.ok(typeof caller !== 'string')
  assert.deepEqual([...caller.groups], ['reader'])
})

const ENTRA = entra(URL_OF_DOCS, APPLICATION_ID).token({
  ...FACTS,
  scopes: [`${URL_OF_DOCS}/docs.read`],
})

test('a token of Entra, version 2, is read as its recipe says: the person by oid, scopes without the URI', async () => {
  const ask = await gatewayWith(recipes('Microsoft Entra ID')[0] ?? '')
  assert.deepEqual(summaryOf(await ask(ENTRA)), {
    subject: 'oid-00u1',
    client: 'agent-app',
    groups: ['analysts'],
    scopes: ['docs.read'],
  })
  // Of another app, an ID token, and one of Entra's version 1.
  assert.match(refusalIn(await ask(ENTRA, { aud: 'another-app' })), /wrong_audience/)
  assert.match(refusalIn(await ask(ENTRA, { nonce: 'n' })), /wrong_type/)
  const old = { iss: 'https://sts.windows.net/3f6a1c2e-tenant/' }
  assert.match(refusalIn(await ask(ENTRA, old)), /unknown_issuer/)
})

test('a token of Entra, version 1, is read as its recipe says: for the URI, from the client appid', async () => {
  const ask = await gatewayWith(recipes('Microsoft Entra ID')[1] ?? '')
  const version1 = { ver: '1.0', aud: URL_OF_DOCS, azp: undefined, appid: 'agent-app' }
  assert.deepEqual(summaryOf(await ask(ENTRA, version1)), {
    subject: 'oid-00u1',
    client: 'agent-app',
    groups: ['analysts'],
    scopes: ['docs.read'],
  })
  assert.match(refusalIn(await ask(ENTRA, { aud: URL_OF_DOCS })), /bad_claim/)
})

test('a token of Okta is read as its recipe says, and its ID token is for somebody else', async () => {
  const ask = await gatewayWith(recipes('Okta')[0] ?? '')
  const token = okta(URL_OF_DOCS).token({ ...FACTS, scopes: ['docs:read'] })
  assert.deepEqual(summaryOf(await ask(token)), {
    subject: 'bea@corp.example',
    client: 'agent-app',
    groups: ['analysts'],
    scopes: ['docs:read'],
  })
  assert.match(refusalIn(await ask(token, { aud: 'agent-app' })), /wrong_audience|wrong_type/)
})
