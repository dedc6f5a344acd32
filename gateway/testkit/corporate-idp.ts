/** A corporate identity provider for tests: `oidc-provider` itself, which lets one person in unasked. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import type { Configuration } from 'oidc-provider'
import { interactionPolicy, Provider } from 'oidc-provider'

import type { FormRobot, Shown } from './form-robot.ts'
import { freePort } from './free-port.ts'
import type { IdpQuirks } from './idp-quirks.ts'
import { apiConfiguration } from './idp-quirks.ts'

export type CorporateIdp = {
  readonly issuer: string
  /** Who is let in next. */
  person: { readonly sub: string; readonly claims: Readonly<Record<string, unknown>> }
  /** How people sign in where nobody asks for another way (`acr_values`). */
  usualClass: string
  /** Logout tokens sent so far. */
  readonly logoutTokens: readonly string[]
  stop(): Promise<void>
}

export const IDP_SECRET = 'a-secret-between-gateway-and-idp-2026'

/** Where it tells of logouts, and whether it names the session that has ended. */
export type BackChannel = { readonly uri: string; readonly namesSessions: boolean }

/**
 * @param redirectUris Callbacks of the gateway.
 * @param more.quirks How it gives tokens for an API, and what is odd about it; without them it only signs people in.
 */
export async function startCorporateIdp(
  redirectUris: readonly string[],
  more: { readonly backChannel?: BackChannel; readonly quirks?: IdpQuirks } = {},
): Promise<CorporateIdp> {
  const { backChannel, quirks } = more
  const logoutTokens: string[] = []
  const port = await freePort()
  const path = quirks?.path ?? ''
  const issuer = `http://127.0.0.1:${port}${path}`
  const idp: { -readonly [key in keyof CorporateIdp]: CorporateIdp[key] } = {
    issuer,
    logoutTokens,
    person: { sub: '00u1', claims: { name: 'Bea', groups: ['analysts'], hd: 'corp.example' } },
    usualClass: 'urn:corp:gold',
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const api = quirks && apiConfiguration(issuer, quirks)
  const configuration: Configuration = {
    clients: [
      {
        client_id: 'gatehouse',
        client_secret: IDP_SECRET,
        redirect_uris: [...redirectUris],
        application_type: 'native',
        ...(backChannel !== undefined && {
          backchannel_logout_uri: backChannel.uri,
          backchannel_logout_session_required: backChannel.namesSessions,
        }),
      },
    ],
    claims: { openid: ['sub', 'name', 'groups', 'hd', 'acr', 'amr'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a test'] },
    // By itself it would send nothing to loopback, where the gateway is.
    fetch: (url, { method, headers, body } = {}) => {
      if (body instanceof URLSearchParams) logoutTokens.push(body.get('logout_token') ?? '')
      return fetch(url, { method, headers, body } as RequestInit)
    },
    interactions: { url: (_context, { uid }) => `${path}/interaction/${uid}`, policy: policy() },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => Promise.resolve({ ...idp.person.claims, sub }),
    }),
    ...api,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      ...api?.features,
    },
  }
  const provider = new Provider(issuer, configuration)
  const callback = provider.callback()
  const server = createServer((request, response) => {
    const target = request.url ?? ''
    // Nothing is at the root of its host but the provider itself, where it has no path.
    if (!target.startsWith(`${path}/`)) return void response.writeHead(404).end()
    if (!target.startsWith(`${path}/interaction/`)) {
      Object.assign(request, { url: target.slice(path.length), originalUrl: target })
      return void callback(request, response)
    }
    interact({ provider, idp, quirks }, request, response).catch((error: unknown) =>
      response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return idp
}

type Interaction = {
  readonly provider: Provider
  readonly idp: CorporateIdp
  readonly quirks: IdpQuirks | undefined
}

async function interact(
  { provider, idp, quirks }: Interaction,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    const { acr_values: wanted } = params
    const acr = typeof wanted === 'string' ? wanted.split(' ')[0] : undefined
    const way = { amr: ['pwd', 'mfa'], acr: acr ?? idp.usualClass }
    const login = { accountId: idp.person.sub, ...way }
    return await provider.interactionFinished(request, response, { login })
  }
  const grant = new provider.Grant({
    accountId: String(session?.accountId),
    clientId: String(params['client_id']),
  })
  grant.addOIDCScope('openid profile offline_access')
  if (quirks !== undefined) {
    const resource = String(params['resource'])
    grant.addResourceScope(resource, quirks.scopes.join(' '))
  }
  await provider.interactionFinished(request, response, {
    consent: { grantId: await grant.save() },
  })
}

/** Leaves the sign-in page for a provider, goes through it, and stops where it sends the browser back to. */
export async function away(robot: FormRobot, page: Shown, name: string): Promise<string> {
  const left = await robot.open(`${page.url}/with/${name}`)
  const there = await robot.open(left.headers.get('location') ?? '')
  return there.headers.get('location') ?? ''
}

/** Ends the session that this browser has there, as the person does. */
export async function signOutAt(
  { issuer }: Pick<CorporateIdp, 'issuer'>,
  robot: FormRobot,
): Promise<void> {
  await robot.submit(await robot.open(`${issuer}/session/end`), { logout: 'yes' })
}

/** Has people sign in again who have not signed in in the way wanted. */
function policy(): ReturnType<typeof interactionPolicy.base> {
  const { base, Check } = interactionPolicy
  const prompts = base()
  const check = new Check('acr_values', 'another way is wanted', 'login_required', ({ oidc }) => {
    const { acr_values: wanted } = oidc.params ?? {}
    return typeof wanted === 'string' && !wanted.split(' ').includes(oidc.session?.acr ?? '')
  })
  prompts.get('login')?.checks.add(check)
  return prompts
}
