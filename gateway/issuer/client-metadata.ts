/**
 * What a client says of itself when it registers (RFC 7591 §2), read strictly: only members that mean
 * something here are taken over, and redirects are held against a list of what is allowed (R-DCR).
 */
import { isLoopback } from '../model/loopback.ts'
import { plainName } from '../pages/html.ts'
import { applicationTypeOf, grantTypesOf } from './client-book.ts'
import type { Entitlement } from '../model/authorization-rules.ts'

export type ReadMetadata =
  | { readonly ok: true; readonly metadata: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false
      readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'
      readonly why: string
    }

/** Redirects of one client. */
const MAX_REDIRECTS = 20
const MAX_REDIRECT_CHARS = 1_024
const MAX_KEYS = 10

const AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']

export type MetadataRules = {
  readonly entitlement: Entitlement
  /** Hosts and schemes (`name:`) that codes may be sent to; undefined means the default. */
  readonly redirectHosts: readonly string[] | undefined
}

/** The metadata to register, or why not. */
export function readClientMetadata(body: unknown, rules: MetadataRules): ReadMetadata {
  if (!isRecord(body)) return wrong('the body must be a JSON object')
  const redirects = body['redirect_uris'] ?? []
  if (!isTexts(redirects)) return badRedirect('redirect_uris must be a list of texts')
  if (redirects.length > MAX_REDIRECTS) return badRedirect(`more than ${MAX_REDIRECTS} redirects`)
  for (const uri of redirects) {
    const why = redirectFault(uri, rules.redirectHosts)
    if (why !== undefined) return badRedirect(why)
  }
  const grants = readGrants(body['grant_types'], rules.entitlement)
  if (typeof grants === 'string') return wrong(grants)
  const wantsCodes = grants.includes('authorization_code')
  if (wantsCodes && redirects.length === 0) return badRedirect('redirect_uris is missing')
  // RFC 7591 §2 says client_secret_basic; but agents that say nothing are public clients (OAuth 2.1).
  const method = body['token_endpoint_auth_method'] ?? defaultMethod(grants)
  if (typeof method !== 'string' || !AUTH_METHODS.includes(method)) {
    return wrong(`token_endpoint_auth_method must be one of ${AUTH_METHODS.join(', ')}`)
  }
  if (method === 'none' && grants.includes('client_credentials')) {
    return wrong('client_credentials needs a token_endpoint_auth_method other than none')
  }
  const jwks = readKeys(body, method)
  if (typeof jwks === 'string') return wrong(jwks)
  const said = body['client_name']
  const name = typeof said === 'string' ? plainName(said) : ''
  return {
    ok: true,
    metadata: {
      // Whoever has none is called by its id.
      ...(name !== '' && { client_name: name }),
      redirect_uris: redirects,
      application_type: applicationTypeOf(redirects),
      grant_types: grants,
      response_types: wantsCodes ? ['code'] : [],
      token_endpoint_auth_method: method,
      ...(jwks !== undefined && { jwks }),
    },
  }
}

function defaultMethod(grants: readonly string[]): string {
  return grants.includes('client_credentials') ? 'client_secret_basic' : 'none'
}

/** What of the asked-for grants it may have; a text when that is nothing. */
function readGrants(asked: unknown, entitlement: Entitlement): readonly string[] | string {
  const allowed = grantTypesOf(entitlement.grants)
  const first = allowed.includes('authorization_code') ? ['authorization_code'] : allowed
  const wanted = asked ?? first
  if (!isTexts(wanted)) return 'grant_types must be a list of texts'
  const granted = allowed.filter((grant) => wanted.includes(grant))
  const isUseful = granted.some((grant) => grant !== 'refresh_token')
  return isUseful ? granted : `grant_types may be ${allowed.join(', ')} here`
}

function readKeys(
  body: Readonly<Record<string, unknown>>,
  method: string,
): Readonly<Record<string, unknown>> | string | undefined {
  // Fetching what a stranger names is no part of registering: keys come along or not at all.
  if (body['jwks_uri'] !== undefined) return 'jwks_uri is not supported; send jwks'
  const jwks = body['jwks']
  if (method !== 'private_key_jwt') return undefined
  const keys = isRecord(jwks) ? jwks['keys'] : undefined
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    return `private_key_jwt needs jwks with 1 to ${MAX_KEYS} keys`
  }
  return { keys }
}

/**
 * Why codes may not be sent there; undefined when they may. By default: any https host, this machine,
 * and schemes of its own with a dot, which belong to somebody (RFC 8252 §7.1).
 */
export function redirectFault(
  uri: string,
  hosts: readonly string[] | undefined,
): string | undefined {
  if (uri.length > MAX_REDIRECT_CHARS) return 'a redirect is too long'
  // Blanks, controls, quotes, backslashes, wildcards and brackets: each is read in two ways by somebody.
  if (!/^[A-Za-z0-9._~:/?[\]@!$&'()+,;=%-]+$/.test(uri)) {
    return 'a redirect has characters that are not allowed there'
  }
  if (!URL.canParse(uri)) return 'a redirect is no absolute URI'
  const target = new URL(uri)
  const { href, protocol, hostname, username, password } = target
  if (username !== '' || password !== '') return 'a redirect must not hold a user name'
  const isPlainHttp = protocol === 'http:'
  const isWeb = isPlainHttp || protocol === 'https:'
  if (isPlainHttp && !isLoopback(hostname)) return 'a redirect must be https, or http on loopback'
  // Dot segments, other spellings of a host or an address: where a browser goes is what is registered.
  if (isWeb && href !== uri && href !== `${uri}/`) {
    return `a redirect must be written as browsers read it: ${href}`
  }
  if (hosts !== undefined) {
    // What stands at the place of the host in another scheme is nobody's host: `evil://app.example`.
    const isListed = hosts.some((host) => host === protocol || (isWeb && matchesHost(target, host)))
    return isListed ? undefined : 'this gateway sends codes to listed hosts only'
  }
  if (isWeb || protocol.slice(0, -1).includes('.')) return undefined
  return 'a redirect with a scheme of its own needs a dot in it'
}

/**
 * On the port that the list names, or else 443: others may answer on another one. On this machine programs take the
 * port that is free (RFC 8252 §7.3).
 */
function matchesHost({ hostname, port }: URL, listed: string): boolean {
  const [name = '', wantedPort = ''] = listed.split(/:(?=[0-9]+$)/)
  if (port !== wantedPort && !isLoopback(hostname)) return false
  if (!name.startsWith('*.')) return hostname === name
  return hostname.endsWith(name.slice(1)) && hostname.length > name.length - 1
}

function wrong(why: string): ReadMetadata {
  return { ok: false, error: 'invalid_client_metadata', why }
}

function badRedirect(why: string): ReadMetadata {
  return { ok: false, error: 'invalid_redirect_uri', why }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
