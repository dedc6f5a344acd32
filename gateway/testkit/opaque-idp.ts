/**
 * An identity provider of a company (oidc-provider) whose access tokens are opaque: a client gets them for
 * one resource, and whoever wants to know what they are must ask.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export type OpaqueIdp = {
  readonly issuer: string
  readonly introspectionUrl: string
  /** The secret of both clients, `agent-1` and `gatehouse`. */
  readonly secret: string
  /** How often it has been asked what a token is. */
  readonly asked: () => number
  /** Answers the next questions about tokens in place of the provider. */
  interfere(answer: ((response: ServerResponse) => void) | undefined): void
  /** A token for the client `agent-1`, by client credentials. */
  token(resource: string): Promise<string>
  revoke(token: string): Promise<void>
  stop(): Promise<void>
}

const SECRET = 'a-secret-of-the-identity-provider-0123456789'

export async function startOpaqueIdp(): Promise<OpaqueIdp> {
  let asked = 0
  let interference: ((response: ServerResponse) => void) | undefined
  let serve: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  const http = createServer((request, response) => {
    if (request.url === '/token/introspection') {
      asked += 1
      if (interference !== undefined) return interference(response)
    }
    serve(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const provider = new Provider(issuer, configuration())
  const callback = provider.callback()
  serve = (request, response) => void callback(request, response)
  const post = async (path: string, client: string, form: Record<string, string>) => {
    const authorization = `Basic ${Buffer.from(`${client}:${SECRET}`).toString('base64')}`
    const response = await fetch(issuer + path, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(form),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }
  return {
    issuer,
    introspectionUrl: `${issuer}/token/introspection`,
    secret: SECRET,
    asked: () => asked,
    interfere: (answer) => (interference = answer),
    token: async (resource) => {
      const grant = { grant_type: 'client_credentials', resource, scope: 'read' }
      const body: unknown = await (await post('/token', 'agent-1', grant)).json()
      return (body as { access_token: string }).access_token
    },
    revoke: async (token) => void (await post('/token/revocation', 'agent-1', { token })),
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

function configuration(): ConstructorParameters<typeof Provider>[1] {
  const client = (id: string) => ({
    client_id: id,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })
  return {
    clients: [client('agent-1'), client('gatehouse')],
    scopes: ['read'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'read',
          audience: resource,
          accessTokenFormat: 'opaque',
          accessTokenTTL: 300,
        }),
      },
    },
  }
}
