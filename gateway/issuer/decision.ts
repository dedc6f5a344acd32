/** What a person decides about a client, and what becomes of it: a grant, or a refusal that is told. */
import type { KoaContextWithOIDC } from 'oidc-provider'

import type { Emit } from '../model/event.ts'
import { plainName } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import type { Session } from '../sessions/sessions.ts'
import { formToken } from '../sessions/sessions.ts'
import { GRANT_LIFE_MS, mayGrant } from './accounts.ts'
import type { Ask } from './ask.ts'
import { formTargets, notYours, purposeOf } from './ask.ts'
import { findResource } from './canonical-resource.ts'
import { showConsent } from './consent-page.ts'
import type { AskedServer } from './consent-server.ts'
import { asksForMore } from './consent-server.ts'
import { afterDecision, neededFor } from './connecting.ts'
import type { Allowed, Consents } from './consents.ts'
import { covers } from './consents.ts'
import { OWN_SCOPES, standingOf } from './entitlement.ts'
import type { GrantBook } from './grant-book.ts'
import type { Question, QuestionOptions } from './question.ts'
import { asCaller, isOnThisComputer, readQuestion, redirectKey } from './question.ts'
import { PAGES_PATH } from './routes.ts'
import type { ProtectedServer } from './setup.ts'
import type { SourceSessions } from './source-sessions.ts'

export type Decision = {
  /** The page that asks. */
  show(ask: Ask): Promise<PageAnswer>
  /** What the person answered. */
  take(ask: Ask, form: URLSearchParams): Promise<PageAnswer>
  /** Tells the client that it was not let in. */
  refuse(ask: Ask): Promise<PageAnswer>
}

export type DecisionOptions = QuestionOptions & {
  readonly consents: Consents
  readonly grants: GrantBook
  readonly sources: Pick<SourceSessions, 'note'>
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
      const client = await options.provider().interactionResult(request, response, result)
      const needed = await neededFor(question, chosen, options.setup())
      return redirectTo(afterDecision(ask, needed) ?? client)
    },
  }
}

async function showQuestion(
  question: Question,
  ask: Ask,
  { setup, consents }: DecisionOptions,
): Promise<PageAnswer> {
  const { clientId: id, clientName: name, known, redirect, account, asked } = question
  const before = await consents.find(question.key)
  const toolsWith = (server: ProtectedServer, scopes: readonly string[]) =>
    setup().toolsFor(asCaller(question, scopes, setup()), server.name)
  const describe = async ([server, scopes]: readonly [
    ProtectedServer,
    readonly string[],
  ]): Promise<AskedServer> => {
    const { name, resource, words } = server
    const had = before[resource] ?? []
    const tools = await toolsWith(server, scopes)
    const allowedBefore = scopes.filter((scope) => had.includes(scope))
    const asked = { name, resource, words, scopes, allowedBefore, isKnown: had.length > 0, tools }
    if (!asksForMore(asked)) return asked
    const known = new Set((await toolsWith(server, had)).map((tool) => tool.name))
    return { ...asked, tools: tools.filter((tool) => !known.has(tool.name)) }
  }
  return showConsent({
    action: PAGES_PATH + ask.interaction.uid,
    formToken: formToken(ask.secret, purposeOf(ask)),
    account: account.name,
    client: { id, name, standing: known.standing },
    redirect,
    formTargets: [...formTargets(ask.interaction), ...setup().silentTargets],
    servers: await Promise.all(Array.from(asked, describe)),
    accounts: await neededFor(question, allOf(asked), setup()),
  })
}

/** As if every box were ticked. */
function allOf(asked: Question['asked']): Allowed {
  return Object.fromEntries([...asked].map(([{ resource }, scopes]) => [resource, scopes]))
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
  { provider, grants, sources }: Pick<DecisionOptions, 'provider' | 'grants' | 'sources'>,
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
  const { id: sid, signedInAtSeconds } = session
  const facts = { account: account.id, client: clientId, session: sid, signedInAtSeconds }
  await grants.add({ grant: id, ...facts })
  // What is allowed in a session outlives it; the identity provider may end both much later.
  await sources.note(session, GRANT_LIFE_MS)
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
    if (client === undefined || browser?.accountId === undefined) return undefined
    if (typeof redirect !== 'string' || isOnThisComputer(redirect)) return undefined
    const known = await standingOf(client.clientId, options.setup(), options.book)
    // Whoever registered itself may be anybody, and is asked about each time (R-CONS).
    if (known === undefined || known.standing === 'self_registered') return undefined
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
    const allowed = allOf(asked)
    const scopes = Object.values(allowed).flat()
    if (scopes.length === 0 || !covers(before, allowed)) return undefined
    if (!scopes.every((scope) => mayGrant(account, scope))) return undefined
    const requested = [...oidc.requestParamScopes]
    const grant = { account, clientId, requested, asked, session }
    return await Grant.find(await writeGrant(grant, allowed, options))
  }
}
