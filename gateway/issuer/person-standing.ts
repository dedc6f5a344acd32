/** What an identity assertion says of a person, and who acts for them: read strictly, or not at all. Pure. */
import type { Actor } from '../model/caller.ts'
import { isText, readActors, readClaim, readGroups, readScopes } from '../oauth/claims.ts'
import type { Members } from '../oauth/strict-json.ts'
import { accountId, scopesOfGroups } from './accounts.ts'
import type { PersonAssertion } from './assertion.ts'
import { findResource } from './canonical-resource.ts'
import type { AssertionRequest, Standing } from './judge-assertion.ts'
import { BY_IDENTITY } from './jwt-bearer-names.ts'
import type { ProtectedServer, Setup } from './setup.ts'
import { listed } from './token-claims.ts'

/** The id of the account it speaks for; undefined where that cannot be read. */
export function personOf({ claims, provider }: PersonAssertion): string | undefined {
  const id = readClaim(claims, provider.claims.subject)
  return isText(id) ? accountId(provider.name, id) : undefined
}

/** What the assertion stands for; a text where it is for somebody or something else, or cannot be read. */
export function standingOfPerson(
  request: AssertionRequest & { readonly assertion: PersonAssertion },
  setup: Pick<Setup, 'issuer' | 'servers'>,
): Standing | string {
  const { client, assertion, account } = request
  const { claims, provider } = assertion
  if (claims['client_id'] !== client) return 'it is for another client'
  // What it may limit is not understood, so it would be given without the limit (RFC 9396 §5).
  if (claims['authorization_details'] !== undefined) return 'authorization_details in it'
  for (const [path, wanted] of provider.required) {
    if (readClaim(claims, path) !== wanted) return `${path} is not what is required`
  }
  const subject = personOf(assertion)
  const said = readGroups(claims, provider.claims.groups)
  const scopes = readScopes(claims, 'scope')
  const servers = serversOf(claims, setup.servers)
  const how = howSignedIn(claims)
  if (!said.ok || !scopes.ok || servers === 'unreadable') return 'a claim cannot be read'
  if (subject === undefined || how === undefined) return 'a claim cannot be read'
  const act = actFor({ ...request, subject }, setup.issuer)
  if (typeof act === 'string') return act
  const isSilent = readClaim(claims, provider.claims.groups) === undefined
  const groups = isSilent ? (account?.groups ?? []) : [...said.value]
  const most = scopesOfGroups(groups, provider)
  const isLimited = claims['scope'] !== undefined
  return {
    subject,
    servers,
    mayHave: (scope) => (!isLimited || scopes.value.has(scope)) && most?.includes(scope) !== false,
    claims: { gty: BY_IDENTITY, ...how, ...act, ...listed('groups', groups) },
  }
}

/** Those of `resource` that are ours: one or several; undefined where it is not said. */
function serversOf(
  claims: Members,
  servers: readonly ProtectedServer[],
): readonly ProtectedServer[] | undefined | 'unreadable' {
  const { resource } = claims
  if (resource === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(resource) ? resource : [resource]
  const texts = list.filter((one) => isText(one))
  if (texts.length !== list.length) return 'unreadable'
  return texts.map((text) => findResource(text, servers)).filter((server) => server !== undefined)
}

/** When and how the person signed in there, for rules that ask for it; undefined where it cannot be read. */
function howSignedIn(claims: Members): Readonly<Record<string, unknown>> | undefined {
  const { auth_time: at, acr, amr } = claims
  if (at !== undefined && !Number.isSafeInteger(at)) return undefined
  if (acr !== undefined && !isText(acr)) return undefined
  const isList = Array.isArray(amr) && amr.every((method) => isText(method))
  if (amr !== undefined && !isList) return undefined
  const said = Object.entries({ auth_time: at, acr, amr })
  return Object.fromEntries(said.filter(([, value]) => value !== undefined))
}

/**
 * The claim `act`: the client, and before it whoever acted already according to the assertion; nothing for
 * an application that people use themselves (RFC 8693 §4.1). A text where there is no such chain.
 */
function actFor(
  request: AssertionRequest & { readonly assertion: PersonAssertion; readonly subject: string },
  issuer: string,
): { readonly act?: object } | string {
  const { client, entitlement, assertion, subject } = request
  const { claims, provider } = assertion
  const before = readActors(claims, { issuer: provider.issuer, subject: assertion.subject })
  if (!before.ok) return 'its chain of actors is too long, or names somebody twice'
  if (entitlement.kind === 'human') {
    return before.value.length === 0 ? {} : 'somebody acts through an application of people'
  }
  const act = chainOf([{ issuer, subject: client }, ...before.value])
  const isChain = readActors({ act }, { issuer, subject }).ok
  return isChain ? { act } : 'the chain of actors would be too long, or name somebody twice'
}

/** With the issuer of each: of those that named none it was not us. */
function chainOf(actors: readonly Actor[]): object {
  return actors.reduceRight<object>(
    (act, { issuer, subject }) => ({
      sub: subject,
      iss: issuer,
      ...('sub' in act && { act }),
    }),
    {},
  )
}
