/** Agents that come and go: each registers by itself, gets a token, and is forgotten by whoever started it. */
import { basic, OauthAgent } from './oauth-agent.ts'

export type FleetAgent = { readonly id: string; readonly secret: string; readonly token: string }

export type FleetOptions = {
  /** Origin of the authorization server. */
  readonly origin: string
  /** The server the tokens are for. */
  readonly resource: string
  /** The registration token they come with. */
  readonly registrationToken: string
  readonly count: number
}

/** Registers them all at once and gets each a token. */
export async function startFleet(options: FleetOptions): Promise<readonly FleetAgent[]> {
  return await Promise.all(
    Array.from({ length: options.count }, (_, at) => startAgent(at, options)),
  )
}

async function startAgent(at: number, options: FleetOptions): Promise<FleetAgent> {
  const agent = new OauthAgent(options.origin)
  const metadata = {
    client_name: `Agent ${at}`,
    redirect_uris: [],
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
  }
  const authorization = `Bearer ${options.registrationToken}`
  const registered = await agent.register(metadata, { authorization })
  const { client_id: id, client_secret: secret = '' } = registered.json
  if (registered.status !== 201) throw new Error(`agent ${at} could not register`)
  const issued = await askToken(agent, { id, secret, resource: options.resource })
  if (issued.status !== 200) throw new Error(`agent ${at} got no token`)
  return { id, secret, token: issued.json.access_token }
}

/** One more token for an agent that registered. */
export function askToken(
  agent: OauthAgent,
  {
    id,
    secret,
    resource,
  }: { readonly id: string; readonly secret: string; readonly resource: string },
) {
  const form = { grant_type: 'client_credentials', resource }
  return agent.token(form, basic(id, secret))
}
