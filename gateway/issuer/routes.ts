/**
 * Where everything of the authorization server is: its endpoints below `/oauth`, its metadata at the root
 * of the origin, where clients of every revision look (RFC 8414 §3, MCP 2025-03-26).
 */
export const OAUTH_PREFIX = '/oauth/'

/** RFC 8414 and OpenID Connect Discovery. */
export const METADATA_PATHS = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
] as const

/** The endpoints, by the names that `oidc-provider` has for them. */
export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
  /** Published for whatever we sign, not for tokens of clients alone; so it is answered elsewhere. */
  jwks: '/.well-known/jwks.json',
  pushed_authorization_request: '/oauth/par',
  device_authorization: '/oauth/device-code',
  code_verification: '/oauth/device',
} as const

/** The pages of one authorization, followed by its id. */
export const PAGES_PATH = '/oauth/ui/'

/** Between the address of a page and the name of the identity provider to sign in with. */
export const WAY = '/with/'

/** Between the address of a page and the number of an account that is connected in the same visit. */
export const STEP = '/connect/'

/** Where identity providers send people back to, followed by the provider's name. */
export const CALLBACK_PATH = '/oauth/callback/'

/** Where identity providers say that a session there has ended, followed by the provider's name. */
export const BACK_CHANNEL_PATH = '/oauth/backchannel-logout/'

/** Pictures of servers, followed by their hash. */
export const LOGOS_PATH = '/oauth/logos/'

/** Where people sign in to come back to another page of ours, named in `?back=`. */
export const SIGN_IN_PATH = '/oauth/sign-in'

/** Where people see what they have allowed. */
export const ACCESS_PATH = '/oauth/access'

/** Whether a request target is for the authorization server. */
export function isOauthTarget(target: string): boolean {
  if (target.startsWith(OAUTH_PREFIX)) return true
  return METADATA_PATHS.some((path) => target === path || target.startsWith(`${path}?`))
}
