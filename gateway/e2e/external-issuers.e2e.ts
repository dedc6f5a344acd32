/**
 * Identity providers in place of our own authorization server, each with its oddities, by the configuration that
 * docs/identity.md gives for it: stock clients sign in there, and nothing of ours is there to be asked.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import {
  ACCESS_PATH,
  CALLBACK_PATH,
  METADATA_PATHS,
  PAGES_PATH,
  ROUTES,
  SIGN_IN_PATH,
} from '../issuer/routes.ts'
import type { CorporateIdp } from '../testkit/corporate-idp.ts'
import { startCorporateIdp } from '../testkit/corporate-idp.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { IdpQuirks } from '../testkit/idp-quirks.ts'
import { entra, IDP_AGENT, keycloak, okta } from '../testkit/idp-quirks.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import { RobotProvider } from '../testkit/oauth-provider.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { signInV1, signInV2 } from '../testkit/sdk-oauth.ts'
import { stopAll } from '../testkit/stop-all.ts'

const APPLICATION_ID = '6f1c7a52-0c1e-4b7e-9d1a-2b4f5a6c7d8e'

type Case = {
  /** Of its server, too. */
  readonly name: string
  readonly quirks: (url: string) => IdpQuirks
  /** Its entry of `issuers`, besides its name and keys. */
  readonly entry: Readonly<Record<string, unknown>>
  /** Scopes that clients are told to ask for. */
  readonly scopes: (url: string) => readonly string[]
  /** The scope that policies see. */
  readonly seen: string
  /** Who the caller is. */
  readonly subject: string
}

const CASES: readonly Case[] = [
  {
    name: 'keycloak',
    quirks: (url) => keycloak([url]),
    entry: { types: ['jwt'], claims: { client: ['azp'], groups: 'realm_access.roles' } },
    scopes: () => ['docs:read'],
    seen: 'docs:read',
    subject: '00u1',
  },
  {
    name: 'entra',
    quirks: (url) => entra(url, APPLICATION_ID),
    entry: {
      types: ['jwt'],
      audiences: [APPLICATION_ID],
      claims: { subject: 'oid', client: ['azp'], groups: 'roles', scopes: 'scp' },
    },
    scopes: (url) => [`${url}/docs.read`],
    seen: 'docs.read',
    subject: 'oid-00u1',
  },
  {
    name: 'okta',
    quirks: (url) => okta(url),
    entry: { types: ['*'], claims: { client: ['cid'], scopes: 'scp' } },
    scopes: () => ['docs:read'],
    seen: 'docs:read',
    subject: 'bea@corp.example',
  },
]

let upstream: RecordingServer
let gateway: TestGatehouse
const idps = new Map<string, CorporateIdp>()

before(async () => {
  upstream = await startRecordingServer()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const url = (name: string): string => `${origin}/mcp/${name}`
  for (const { name, quirks } of CASES) {
    idps.set(name, await startCorporateIdp([], { quirks: quirks(url(name)) }))
  }
  const issuerOf = (name: string): string => idps.get(name)?.issuer ?? ''
  const servers = CASES.map(({ name, scopes }) => {
    const entry = { issuers: [issuerOf(name)], scopes: scopes(url(name)) }
    return [name, { upstream: upstream.url, ...entry }] as const
  })
  gateway = await startGatehouse({
    servers: Object.fromEntries(servers),
    rules: CASES.map(({ name, seen }) => ({
      id: name,
      effect: 'allow',
      subjects: [{ groups: ['analysts'], scopes: [seen] }],
      tools: [`${name}/echo`],
    })),
    config: {
      public_url: origin,
      listen: { port },
      issuers: CASES.map(({ name, entry }) => {
        const issuer = issuerOf(name)
        return { issuer, jwks: { url: `${issuer}/jwks` }, ...entry }
      }),
    },
  })
})

after(() => stopAll(gateway, ...idps.values(), upstream))

/** An agent with the client that an operator set up at the provider. */
function agentAt(name: string): RobotProvider {
  const auth = new RobotProvider(new FormRobot(), new OauthAgent(idps.get(name)?.issuer ?? ''))
  auth.client = { client_id: IDP_AGENT }
  return auth
}

for (const { name, subject } of CASES) {
  for (const [sdk, signIn] of [
    ['v1', signInV1],
    ['v2', signInV2],
  ] as const) {
    test(`With ${name} the TypeScript SDK ${sdk} gets to a tool call, and no token of it opens another server`, async () => {
      const auth = agentAt(name)
      const client = await signIn(gateway.url(name), auth)
      assert.ok((await client.callTool({ name: 'echo', arguments: {} })).content)
      await client.close()
      const decision = await eventually(async () => {
        const allowed = { type: 'decision', server: name, effect: 'allow' }
        const found = (await gateway.audit()).findLast((record) =>
          Object.entries(allowed).every(([key, value]) => record[key] === value),
        )
        assert.ok(found)
        return JSON.stringify(found)
      })
      assert.match(decision, new RegExp(`"subject":"${subject}".*"client":"${IDP_AGENT}"`))
      const token = auth.held?.access_token ?? ''
      for (const other of CASES.filter((one) => one.name !== name)) {
        const refused = await post(gateway.url(other.name), callTool('echo'), { token })
        assert.equal(refused.status, 401, other.name)
      }
    })
  }
}

test('Metadata and challenges name the provider, and nothing of our own authorization server is there', async () => {
  for (const { name } of CASES) {
    const { pathname } = new URL(gateway.url(name))
    const address = `${gateway.origin}/.well-known/oauth-protected-resource${pathname}`
    const { authorization_servers: named } = (await (await fetch(address)).json()) as {
      readonly authorization_servers: readonly string[]
    }
    assert.deepEqual(named, [idps.get(name)?.issuer])
  }
  const { jwks: _ours, ...endpoints } = ROUTES
  const pages = [`${PAGES_PATH}x`, `${CALLBACK_PATH}keycloak`, SIGN_IN_PATH, ACCESS_PATH]
  for (const path of [...METADATA_PATHS, ...Object.values(endpoints), ...pages]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const statusOf = async (target: string): Promise<number> =>
        (await fetch(gateway.origin + target, { method, redirect: 'manual' })).status
      const nowhere = path.startsWith('/.well-known/') ? '/.well-known/nothing' : '/nothing'
      assert.equal(await statusOf(path), await statusOf(nowhere), `${method} ${path}`)
    }
  }
})
