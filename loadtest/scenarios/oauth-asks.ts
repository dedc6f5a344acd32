/** The requests of OAuth that scenarios are made of. */
import type { Ask, World } from './scenario.ts'

/** A client registers itself (RFC 7591). */
export function register(world: World, name: string): Ask {
  return {
    name: 'registration',
    method: 'POST',
    url: `${originOf(world)}/oauth/register`,
    headers: {
      authorization: `Bearer ${world.registrationToken}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
    }),
    isGood: ({ status }) => status === 201,
  }
}

/** A client takes itself out of the book (RFC 7592). */
export function deregister(uri: string, token: string): Ask {
  return {
    name: 'removal of a client',
    method: 'DELETE',
    url: uri,
    headers: { authorization: `Bearer ${token}` },
    isGood: ({ status }) => status === 204,
  }
}

/**
 * A client asks for a token of its own.
 *
 * @param authorization Its header, where it has one; else its credentials stand in `form`.
 */
export function clientCredentials(
  world: World,
  {
    authorization,
    form = {},
  }: {
    readonly authorization?: string
    readonly form?: Readonly<Record<string, string>>
  },
): Ask {
  const fields = { grant_type: 'client_credentials', resource: world.url, ...form }
  return {
    name: 'token',
    method: 'POST',
    url: `${originOf(world)}/oauth/token`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: Object.entries(fields)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&'),
    isGood: ({ status, body }) => status === 200 && body.includes('"access_token"'),
  }
}

/** k6 has no `URL`. */
function originOf({ url }: World): string {
  return /^https?:\/\/[^/]+/.exec(url)?.[0] ?? ''
}
