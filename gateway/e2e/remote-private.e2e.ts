/** Protected servers whose certificates, and those of their authorization servers, come from private authorities. */
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'

import { temporaryKey } from '../seal/seal.ts'
import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { createAuthority, type KeyPair } from '../testkit/certificates.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { allowAll, type TestGatehouse } from '../testkit/gatehouse.ts'
import { OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { stopAll } from '../testkit/stop-all.ts'

const env = { GATEHOUSE_KEYS: `k1:${temporaryKey().key.reveal()}` }

/** Knows its own tokens alone, and sends strangers to the issuer that it is told. */
type Place = { readonly origin: string; issuer: string; stop(): Promise<void> }

let alone: Place
let divided: Place
let login: Place
let gateway: TestGatehouse

before(async () => {
  const [inside, elsewhere] = [createAuthority('inside'), createAuthority('elsewhere')]
  alone = await startPlace(inside.issue('alone'))
  divided = await startPlace(inside.issue('divided'))
  login = await startPlace(elsewhere.issue('login'))
  divided.issuer = login.origin
  const tls = { ca: 'inside.crt' }
  const server = ({ origin }: Place, provider: string, more = {}) => ({
    upstream: { url: `${origin}/mcp`, ...more },
    credential: { mode: 'vault', provider },
    unlisted: 'allow',
  })
  const theirs = { issuer: login.origin }
  gateway = await startOwnIssuer({
    servers: {
      alone: server(alone, 'alone', { tls }),
      divided: server(divided, 'divided', { tls }),
      strange: server(login, 'strange'),
      'half-strange': server(divided, 'half-strange', { tls }),
    },
    rules: ['alone', 'divided'].map(allowAll),
    config: {
      providers: {
        alone: { discover: `${alone.origin}/mcp` },
        divided: { discover: `${divided.origin}/mcp`, ...theirs, ca: 'elsewhere.crt' },
        strange: { discover: `${login.origin}/mcp` },
        'half-strange': { discover: `${divided.origin}/mcp`, ...theirs },
      },
    },
    files: { 'inside.crt': inside.cert, 'elsewhere.crt': elsewhere.cert },
    env,
  })
})

after(() => stopAll(gateway, alone, divided, login))

for (const name of ['alone', 'divided']) {
  test(`A person connects to a server of a private authority, and calls go through: ${name}`, async () => {
    const robot = new FormRobot()
    const agent = new OauthAgent(gateway.origin)
    const { json: client } = await agent.register()
    const url = agent.authorizeUrl(client.client_id, { resource: gateway.url(name) })
    const consent = await signIn(robot, await robot.open(url))
    const offer = await robot.submit(consent, { do: 'allow' })
    const away = new URL((await robot.submit(offer, {})).headers.get('location') ?? 'none:')
    assert.equal(away.origin, name === 'alone' ? alone.origin : login.origin)
    const back = new URL(away.searchParams.get('redirect_uri') ?? '')
    const state = away.searchParams.get('state') ?? ''
    back.search = String(new URLSearchParams({ code: 'c', state, iss: away.origin }))
    const done = await robot.open(back.href)
    const code = new URL(done.headers.get('location') ?? 'none:').searchParams.get('code') ?? ''
    const token = (await agent.redeem(client.client_id, code)).json.access_token
    const { json } = await post(gateway.url(name), callTool('echo'), { token })
    assert.deepEqual(json?.result ?? json, { content: [{ type: 'text', text: 'served' }] })
  })
}

test('A check says what it finds at servers, and which certificate nobody here vouches for', async () => {
  const operator = { env: { ...env, GATEHOUSE_ADMIN_TOKEN: gateway.adminToken } }
  const { code, out, err } = await runCli(['check', '-c', gateway.configFile], operator)
  assert.equal(code, 0, err)
  for (const line of [
    `  alone: ${alone.origin}/mcp`,
    `    tokens are for ${alone.origin}/mcp (says ${alone.origin}/.well-known/oauth-protected-resource/mcp)`,
    `    authorization server ${login.origin}: consent at ${login.origin}/auth, tokens at ${login.origin}/token`,
    `    the gateway is a client that registers at ${login.origin}/register (none) when the first person connects`,
  ]) {
    assert.ok(out.includes(`${line}\n`), `${line} in ${out}`)
  }
  for (const name of ['strange', 'half-strange']) {
    const warning = new RegExp(
      `^warning: \\S+:\\d+:\\d+ providers.${name}.discover: nobody can connect: "${login.origin}" has no metadata \\(.*UNABLE_TO_VERIFY_LEAF_SIGNATURE\\); see ca`,
      'm',
    )
    assert.match(out, warning)
  }
})

/** A protected server, and an authorization server that gives anybody its one token. */
async function startPlace(pair: KeyPair): Promise<Place> {
  const http = createServer(pair, (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { method, url, headers } = request
      const isKnown = headers.authorization === 'Bearer tok-private'
      const page = pagesOf(place)[`${method} ${url}`]
      const { id } = method === 'POST' && url === '/mcp' ? JSON.parse(text) : {}
      const served = { content: [{ type: 'text', text: 'served' }] }
      const body = isKnown ? { jsonrpc: '2.0', id, result: served } : page
      response.writeHead(url === '/mcp' && !isKnown ? 401 : page || isKnown ? 200 : 404, {
        'content-type': 'application/json',
      })
      response.end(JSON.stringify(body ?? {}))
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `https://127.0.0.1:${(http.address() as AddressInfo).port}`
  const stop = async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  }
  const place: Place = { origin, issuer: origin, stop }
  return place
}

function pagesOf({ origin, issuer }: Place): Readonly<Record<string, object>> {
  return {
    'GET /.well-known/oauth-protected-resource/mcp': {
      resource: `${origin}/mcp`,
      authorization_servers: [issuer],
    },
    'GET /.well-known/oauth-authorization-server': {
      issuer: origin,
      authorization_endpoint: `${origin}/auth`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
    },
    'POST /register': { client_id: 'gatehouse', token_endpoint_auth_method: 'none' },
    'POST /token': { access_token: 'tok-private', token_type: 'bearer', expires_in: 3_600 },
  }
}
