/** What a person decides about a client, and what becomes of it: a grant, or a refusal that is told. */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import { plainName } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import type { Clients } from '../registry/clients.ts'
import type { Session } from '../sessions/sessions.ts'
import { formToken } from '../sessions/sessions.ts'
import type { Account, Accounts } from './accounts.ts'
import { mayGrant } from './accounts.ts'
import type { Ask, Interaction } from './ask.ts'
import { formTargets, notYours, purposeOf } from './ask.ts'
import { findResource } from './canonical-resource.ts'
import { showConsent } from './consent-page.ts'
import type { Allowed, ConsentKey, Consents } from './consents.ts'
import { covers } from './consents.ts'
import type { Known } from './entitlement.ts'
import { OWN_SCOPES, scopesOn, standingOf } from './entitlement.ts'
import { PAGES_PATH } from './routes.ts'
import type { GrantBook } from './grant-book.ts'
import type { ProtectedServer, Setup } from './setup.ts'

export type Decision = {
  /** The page that asks. */
  show(ask: Ask): Promise<PageAnswer>
  /** What the person answered. */
  take(ask: Ask, form: URLSearchParams): Promise<PageAnswer>
  /** Tells the client that it was not let in. */
  refuse(ask: Ask): Promise<PageAnswer>
}

export type DecisionOptions = {
  readonly provider: () => Provider
  readonly setup: () => Setup
  readonly accounts: Accounts
  readonly consents: Consents
  readonly book: Pick<Clients, 'get'>
  readonly grants: GrantBook
  readonly emit: Emit
}

export function createDecision(options: DecisionOptions): Decision {
  const refuse = async ({ request, response }: Ask): Promise<PageAnswer> => {
    const result = { error: 'access_denied', error_description: 'the person did not allow it' }
    return redirectTo(await options.provider().interactionResult(request, response, result))
  }
  return {
    refuse,
    show: async (ask) => {
      const question = await readQuestion(ask, options)
      return question === undefined ? notYours() : await showQuestion(question, ask, options)
    },
    take: async (ask, form) => {
      const question = await readQuestion(ask, options)
      if (question === undefined) return notYours()
      const { asked, session, key, clientId } = question
      const chosen = chosenFrom(form, asked)
      const scopes = Object.values(chosen).flat()
      const ok = form.get('do') === 'allow' && scopes.length > 0
      const servers = [...asked.keys()].map(({ name }) => name)
      const told = { subject: session.subject, client: clientId, servers, scopes }
      options.emit({ type: 'consented', ok, ...told })
      if (!ok) return await refuse(ask)
      const grantId = await writeGrant(question, chosen, options)
      const refused = refusedOf(asked, chosen)
      const name = plainName(question.clientName)
      await options.consents.note(key, { allowed: chosen, refused, name })
      const result = { consent: { grantId } }
      const { request, response } = ask
      return redirectTo(await options.provider().interactionResult(request, response, result))
    },
  }
}

/** What is asked of whom. */
type Question = {
  readonly clientId: string
  readonly clientName: string
  readonly known: Known
  readonly session: Session
  readonly account: Account
  readonly redirect: string
  readonly key: ConsentKey
  /** Scopes by server, within what client and person may have. */
  readonly asked: ReadonlyMap<ProtectedServer, readonly string[]>
  /** All that the client asked for, whether it may have it or not. */
  readonly requested: readonly string[]
}

/** Undefined when the browser is not that of the person who signed in for this. */
async function readQuestion(
  { interaction, session }: Ask,
  { provider, setup, accounts, book }: DecisionOptions,
): Promise<Question | undefined> {
  if (session === undefined || session.subject !== interaction.session?.accountId) return undefined
  const { params } = interaction
  const client = await provider().Client.find(String(params['client_id']))
  const account = await accounts.find(session.subject)
  const known = client && (await standingOf(client.clientId, setup(), book))
  if (client === undefined || account === undefined || known === undefined) return undefined
  const redirect = textOf(params['redirect_uri'])
  const requested = textOf(params['scope']).split(' ')
  const asked = new Map(
    resourcesOf(interaction).flatMap((resource): [ProtectedServer, readonly string[]][] => {
      const server = findResource(resource, setup().servers)
      if (server === undefined) return []
      const possible = scopesOn(server, known.entitlement).filter((scope) =>
        mayGrant(account, scope),
      )
      return [[server, possible.filter((scope) => requested.includes(scope))]]
    }),
  )
  return {
    clientId: client.clientId,
    clientName: client.clientName ?? client.clientId,
    known,
    session,
    account,
    redirect,
    key: { account: account.id, client: client.clientId, redirect: redirectKey(redirect) },
    asked,
    requested,
  }
}

async function showQuestion(
  question: Question,
  ask: Ask,
  { setup, consents }: DecisionOptions,
): Promise<PageAnswer> {
  const { clientId: id, clientName: name, known, redirect, account, asked } = question
  const before = await consents.find(question.key)
  const describe = async ([server, scopes]: readonly [ProtectedServer, readonly string[]]) => ({
    name: server.name,
    resource: server.resource,
    scopes,
    allowedBefore: scopes.filter((scope) => before[server.resource]?.includes(scope)),
    tools: await setup().toolsFor(asCaller(question, scopes, setup()), server.name),
  })
  return showConsent({
    action: PAGES_PATH + ask.interaction.uid,
    formToken: formToken(ask.secret, purposeOf(ask)),
    account: account.name,
    client: { id, name, standing: known.standing },
    redirect,
    formTargets: formTargets(ask.interaction),
    servers: await Promise.all(Array.from(asked, describe)),
  })
}

/** The caller the client would be with these scopes, as policy will see it. */
function asCaller(question: Question, scopes: readonly string[], setup: Setup): Caller {
  const { account, clientId: client, known } = question
  const { kind } = known.entitlement
  return {
    tenant: setup.tenant,
    issuer: setup.issuer,
    subject: account.id,
    client,
    kind,
    via: 'jwt',
    groups: new Set(account.groups),
    scopes: new Set(scopes),
    actors: kind === 'human' ? [] : [{ issuer: setup.issuer, subject: client }],
    interactive: true,
    tokenId: undefined,
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 0,
    expiresAtSeconds: Infinity,
  }
}

/** The boxes that were ticked, of those there were. */
function chosenFrom(form: URLSearchParams, asked: Question['asked']): Allowed {
  const ticked = form.getAll('scope')
  return Object.fromEntries(
    [...asked].map(([{ resource }, scopes]) => [
      resource,
      scopes.filter((scope) => ticked.includes(`${resource} ${scope}`)),
    ]),
  )
}

/** The boxes that were there and were not ticked. */
function refusedOf(asked: Question['asked'], chosen: Allowed): Allowed {
  return Object.fromEntries(
    Array.from(asked, ([{ resource }, scopes]) => [
      resource,
      scopes.filter((scope) => chosen[resource]?.includes(scope) !== true),
    ]),
  )
}

async function writeGrant(
  question: Pick<Question, 'account' | 'clientId' | 'requested' | 'asked' | 'session'>,
  allowed: Allowed,
  { provider, grants }: Pick<DecisionOptions, 'provider' | 'grants'>,
): Promise<string> {
  const { account, clientId, requested, asked, session } = question
  const grant = new (provider().Grant)({ accountId: account.id, clientId })
  for (const { resource } of asked.keys()) {
    const chosen = allowed[resource] ?? []
    const refused = requested.filter((scope) => !chosen.includes(scope))
    if (chosen.length > 0) grant.addResourceScope(resource, chosen.join(' '))
    // Known to be refused, so that the person is not asked again in the same breath.
    if (refused.length > 0) grant.rejectResourceScope(resource, refused.join(' '))
  }
  const ownScopes = requested.filter((scope) => OWN_SCOPES.includes(scope))
  if (ownScopes.length > 0) grant.addOIDCScope(ownScopes.join(' '))
  const id = await grant.save()
  await grants.add({ grant: id, account: account.id, client: clientId, session: session.id })
  return id
}

/**
 * Makes the function that finds, for an authorization under way, the grant it ends in: the one of the
 * decision just taken, or a new one where the person decided before and nobody else can be behind the
 * redirect. Each authorization has a grant of its own, so that one stolen code ends one of them.
 */
export function createGrantFinder(
  options: DecisionOptions & {
    readonly sessionOf: (context: KoaContextWithOIDC) => Promise<Session | undefined>
  },
) {
  return async (context: KoaContextWithOIDC) => {
    const { oidc } = context
    const { Grant } = options.provider()
    const decided = oidc.result?.consent?.grantId
    if (decided !== undefined) return await Grant.find(decided)
    const { client, session: browser, params } = oidc
    const redirect = params?.['redirect_uri']
    if (client === undefined || client.applicationType === 'native') return undefined
    if (browser?.accountId === undefined || typeof redirect !== 'string') return undefined
    const session = await options.sessionOf(context)
    const account = await options.accounts.find(browser.accountId)
    if (session?.subject !== browser.accountId || account === undefined) return undefined
    const { clientId } = client
    const key = { account: account.id, client: clientId, redirect: redirectKey(redirect) }
    const before = await options.consents.find(key)
    const asked = new Map(
      Object.entries(oidc.resourceServers ?? {}).flatMap(([resource, { scopes }]) => {
        const server = findResource(resource, options.setup().servers)
        const wanted = [...oidc.requestParamScopes].filter((scope) => scopes.has(scope))
        return server === undefined ? [] : [[server, wanted] as const]
      }),
    )
    const allowed = Object.fromEntries(
      [...asked].map(([{ resource }, scopes]) => [resource, scopes]),
    )
    const scopes = Object.values(allowed).flat()
    if (scopes.length === 0 || !covers(before, allowed)) return undefined
    if (!scopes.every((scope) => mayGrant(account, scope))) return undefined
    const requested = [...oidc.requestParamScopes]
    const grant = { account, clientId, requested, asked, session }
    return await Grant.find(await writeGrant(grant, allowed, options))
  }
}

function textOf(parameter: unknown): string {
  return typeof parameter === 'string' ? parameter : ''
}

function resourcesOf({ params }: Interaction): readonly string[] {
  const { resource } = params
  const list: readonly unknown[] = Array.isArray(resource) ? resource : [resource]
  return list.filter((one) => typeof one === 'string')
}

/** Loopback redirects differ in their port from start to start. */
function redirectKey(redirect: string): string {
  if (!redirect.startsWith('http:')) return redirect
  const url = new URL(redirect)
  url.port = ''
  return url.href
}
