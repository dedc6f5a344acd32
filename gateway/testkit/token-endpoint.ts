/**
 * Token endpoints shaped like those of Keycloak (RFC 8693), Entra (on behalf of) and the two of an
 * ID-JAG. They check what they are given as those do and answer with tokens that say for whom they are.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose'

const TYPE = 'urn:ietf:params:oauth:token-type:'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A request as it came, and what it was answered with. */
export type Asked = {
  readonly path: string
  readonly authorization: string | undefined
  readonly form: URLSearchParams
  readonly issued: string | undefined
}

export type TokenServer = {
  readonly origin: string
  readonly asked: Asked[]
  /** Tokens that are still good; a test takes some out to withdraw them. */
  readonly good: Map<string, Readonly<Record<string, unknown>>>
  /** Seconds that the next tokens live. */
  lifeSeconds: number
  /** The status of every answer, when the server is out of order. */
  failing: number | undefined
  stop(): Promise<void>
}

type Body = Readonly<Record<string, unknown>>

/**
 * @param verifySubject Checks the caller's token and returns its claims; rejects for any other.
 * @param gatewayKeys The keys of the gateway, for statements that it signs.
 */
export async function startTokenServer(options: {
  readonly verifySubject: (token: string) => Promise<JWTPayload>
  readonly gatewayKeys?: () => URL
}): Promise<TokenServer> {
  const http = createServer((request, response) => {
    void answer(request, server, options).then(
      ([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        return response.end(JSON.stringify(body))
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: TokenServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked: [],
    good: new Map(),
    lifeSeconds: 300,
    failing: undefined,
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}

async function answer(
  request: IncomingMessage,
  server: TokenServer,
  options: Parameters<typeof startTokenServer>[0],
): Promise<readonly [number, Body]> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  const { authorization } = request.headers
  const path = request.url ?? ''
  const record = (issued?: string) => server.asked.push({ path, authorization, form, issued })
  if (server.failing !== undefined) {
    record()
    return [server.failing, { error: 'server_error', error_description: 'canary-of-the-provider' }]
  }
  if (!isClient(authorization, form)) {
    record()
    return [401, { error: 'invalid_client' }]
  }
  try {
    const { facts, type, tokenType = 'Bearer' } = await grant(path, form, server, options)
    const token = `tok-${crypto.randomUUID()}`
    server.good.set(token, facts)
    record(token)
    const life = { expires_in: server.lifeSeconds, token_type: tokenType }
    return [200, { access_token: token, issued_token_type: TYPE + type, ...life }]
  } catch {
    record()
    return [400, { error: 'invalid_grant', error_description: 'canary-of-the-provider' }]
  }
}

/** Everybody here is the client `gateway` with the secret `client-secret-canary`. */
function isClient(authorization: string | undefined, form: URLSearchParams): boolean {
  const basic = `Basic ${Buffer.from('gateway:client-secret-canary').toString('base64')}`
  const posted = form.get('client_id') === 'gateway' && form.get('client_secret')
  return authorization === basic || posted === 'client-secret-canary'
}

type Granted = { readonly facts: Body; readonly type: string; readonly tokenType?: string }

async function grant(
  path: string,
  form: URLSearchParams,
  server: TokenServer,
  { verifySubject, gatewayKeys }: Parameters<typeof startTokenServer>[0],
): Promise<Granted> {
  const text = (name: string): string => form.get(name) ?? ''
  const about = { audience: text('audience'), scope: text('scope'), resource: text('resource') }
  switch (`${path} ${text('grant_type')}`) {
    case `/keycloak ${EXCHANGE}`: {
      const { sub } = await verifySubject(text('subject_token'))
      const actor = form.has('actor_token') ? await ours(text('actor_token'), gatewayKeys) : {}
      return { facts: { sub, ...about, actor: actor.sub }, type: 'access_token' }
    }
    case `/entra ${BEARER}`: {
      if (text('requested_token_use') !== 'on_behalf_of') throw new Error('not on behalf of')
      const { sub } = await verifySubject(text('assertion'))
      return { facts: { sub, ...about }, type: 'access_token' }
    }
    case `/idp ${EXCHANGE}`: {
      if (text('requested_token_type') !== `${TYPE}id-jag`) throw new Error('not an ID-JAG')
      const { sub } = await verifySubject(text('subject_token'))
      return { facts: { sub, ...about, jag: true }, type: 'id-jag', tokenType: 'N_A' }
    }
    case `/resource ${BEARER}`: {
      const jag = server.good.get(text('assertion'))
      if (jag?.['jag'] !== true) throw new Error('not an assertion of that provider')
      return { facts: { sub: jag['sub'], scope: text('scope') }, type: 'access_token' }
    }
    case `/bearer ${BEARER}`: {
      const { sub, aud } = await ours(text('assertion'), gatewayKeys)
      return { facts: { sub, aud }, type: 'access_token' }
    }
    default:
      throw new Error('no such grant')
  }
}

async function ours(token: string, keys: (() => URL) | undefined): Promise<JWTPayload> {
  if (keys === undefined) throw new Error('the gateway is not trusted')
  return (await jwtVerify(token, createRemoteJWKSet(keys()))).payload
}
