/**
 * What clients leave out or write otherwise, put right before `oidc-provider` sees it: the resource in
 * its one spelling, and the default where there is nothing to choose from.
 */
import { findResource } from './canonical-resource.ts'
import { BASE_SCOPE, OWN_SCOPES } from './entitlement.ts'
import type { ProtectedServer, Setup } from './setup.ts'

/** Completes the parameters of an authorization, pushed or not, or of a request for one's own token. */
export function completeParameters(
  parameters: URLSearchParams,
  { servers }: Pick<Setup, 'servers'>,
): URLSearchParams {
  const completed = new URLSearchParams(parameters)
  const resources = parameters.getAll('resource')
  const asked = scopesIn(parameters)
  const found = resources.map((resource) => findResource(resource, servers)?.resource ?? resource)
  const sole = resources.length === 0 ? soleServer(asked, servers)?.resource : undefined
  completed.delete('resource')
  for (const resource of sole === undefined ? found : [sole]) completed.append('resource', resource)
  const scopes = new Set(asked)
  if (asked.every((scope) => OWN_SCOPES.includes(scope))) {
    const meant = servers.filter(({ resource }) => completed.getAll('resource').includes(resource))
    // Where nobody is asked, nobody is asked for more later either.
    const isForItself = parameters.get('grant_type') === 'client_credentials'
    const defaults = meant.flatMap(({ scopes: all, initialScopes = all }) => {
      if (all.length === 0) return [BASE_SCOPE]
      return isForItself ? all : initialScopes
    })
    for (const scope of defaults) scopes.add(scope)
  }
  if (OF_SIGN_IN.some((name) => parameters.has(name))) scopes.add('openid')
  // What is there twice is refused later on, and must not become one here (RFC 6749 §3.1).
  const isOnce = parameters.getAll('scope').length <= 1
  if (isOnce && [...scopes].some((scope) => !asked.includes(scope))) {
    completed.set('scope', [...scopes].join(' '))
  }
  return completed
}

/**
 * How the person is to sign in. For `oidc-provider` these are of OpenID Connect alone; RFC 9470 §5 knows no such
 * condition, and an ID token more does no harm.
 */
const OF_SIGN_IN = ['acr_values', 'max_age']

/** The one server there is, or the one that has all the scopes asked for. */
function soleServer(
  asked: readonly string[],
  servers: readonly ProtectedServer[],
): ProtectedServer | undefined {
  const named = asked.filter((scope) => !OWN_SCOPES.includes(scope))
  const fitting =
    named.length === 0
      ? servers
      : servers.filter(({ scopes }) => named.every((scope) => scopes.includes(scope)))
  const candidates = servers.length === 1 ? servers : fitting
  return candidates.length === 1 ? candidates[0] : undefined
}

function scopesIn(parameters: URLSearchParams): readonly string[] {
  return (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
}

/** A parameter that may be sent several times, as `oidc-provider` has it. */
export function textsOf(parameter: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(parameter) ? parameter : [parameter]
  return list.filter((one) => typeof one === 'string')
}
