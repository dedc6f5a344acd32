/**
 * Whether an assertion brings a token, and what that one says: for one server, no scope that the assertion,
 * the client, the server and the person do not all have. Pure; what is listed, operators decide.
 */
import type { Entitlement } from '../model/authorization-rules.ts'
import { isText } from '../oauth/claims.ts'
import type { Account } from './accounts.ts'
import { accountId } from './accounts.ts'
import type { Assertion, WorkloadAssertion } from './assertion.ts'
import { findResource } from './canonical-resource.ts'
import { BASE_SCOPE, scopesOn } from './entitlement.ts'
import { BY_WORKLOAD } from './jwt-bearer-names.ts'
import { standingOfPerson } from './person-standing.ts'
import type { ProtectedServer, Setup } from './setup.ts'
import { KIND_CLAIM, listed } from './token-claims.ts'

export type AssertionRequest = {
  /** The client that authenticated itself, or that a platform spoke for. */
  readonly client: string
  readonly entitlement: Omit<Entitlement, 'grants'>
  readonly assertion: Assertion
  /** The person as they last signed in here; undefined for one who never did, and for a program. */
  readonly account: Account | undefined
  /** Every `resource` there was. */
  readonly resources: readonly string[]
  /** Undefined means all there is to have. */
  readonly scope: string | undefined
}

export type AssertionAnswer =
  | {
      readonly ok: true
      readonly subject: string
      readonly server: ProtectedServer
      readonly scopes: readonly string[]
      /** What the token says beyond RFC 9068, all but `txn`. */
      readonly claims: Readonly<Record<string, unknown>>
    }
  | {
      readonly ok: false
      readonly error: 'invalid_grant' | 'invalid_target' | 'invalid_scope'
      readonly detail: string
    }

/** What an assertion stands for; of a program and of a person alike. */
export type Standing = {
  readonly subject: string
  /** Those it may be used on at all; undefined where it does not say. */
  readonly servers: readonly ProtectedServer[] | undefined
  /** Scopes it has at most; undefined where neither it nor the person is limited. */
  readonly mayHave: (scope: string) => boolean
  readonly claims: Readonly<Record<string, unknown>>
}

/** Decides about one verified assertion. What is wrong with it itself is `invalid_grant` (RFC 7523 §3.1). */
export function judgeAssertion(
  request: AssertionRequest,
  setup: Pick<Setup, 'issuer' | 'servers'>,
): AssertionAnswer {
  const { assertion, entitlement } = request
  const standing =
    assertion.kind === 'person'
      ? standingOfPerson({ ...request, assertion }, setup)
      : standingOfWorkload(assertion, entitlement)
  if (typeof standing === 'string') return no('invalid_grant', standing)
  // A longer one could not be read back from the token.
  if (!isText(standing.subject)) return no('invalid_grant', 'the subject cannot be used')
  const server = findTarget(request, standing, setup.servers)
  if (server === undefined) {
    return no('invalid_target', 'say one server that is meant: resource')
  }
  const possible = scopesOn(server, entitlement).filter(
    // A server without scopes has one that stands for none, and so gives nothing.
    (scope) => (server.scopes.length === 0 && scope === BASE_SCOPE) || standing.mayHave(scope),
  )
  const asked = request.scope?.split(' ')
  const scopes = possible.filter((scope) => asked?.includes(scope) !== false)
  if (scopes.length === 0) return no('invalid_scope', 'none of the scopes can be had')
  const { subject, claims } = standing
  return {
    ok: true,
    subject,
    server,
    scopes,
    claims: { ...claims, [KIND_CLAIM]: entitlement.kind },
  }
}

function no(
  error: Extract<AssertionAnswer, { readonly ok: false }>['error'],
  detail: string,
): AssertionAnswer {
  return { ok: false, error, detail }
}

function standingOfWorkload(
  { subject, claims, platform }: WorkloadAssertion,
  { groups }: Pick<Entitlement, 'groups'>,
): Standing | string {
  // A program that acts for somebody is not what the operator listed.
  if (claims['act'] !== undefined) return 'a workload acts for nobody'
  return {
    subject: accountId(platform.name, subject),
    servers: undefined,
    mayHave: () => true,
    claims: { gty: BY_WORKLOAD, ...listed('groups', groups) },
  }
}

/** The one server that is meant; where nobody says, the only one that is possible. */
function findTarget(
  { resources, entitlement }: Pick<AssertionRequest, 'resources' | 'entitlement'>,
  standing: Standing,
  servers: readonly ProtectedServer[],
): ProtectedServer | undefined {
  const possible = (standing.servers ?? servers).filter(
    (server) => scopesOn(server, entitlement).length > 0,
  )
  if (resources.length === 0) return possible.length === 1 ? possible[0] : undefined
  const [server, ...others] = resources.map((resource) => findResource(resource, possible))
  return others.every((other) => other === server) ? server : undefined
}
