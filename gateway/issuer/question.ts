/** What a person is asked in one authorization: who asks, on whose behalf, for what, within what both may have. */
import type { Provider } from 'oidc-provider'

import type { Caller } from '../model/caller.ts'
import { isLoopback } from '../model/loopback.ts'
import type { Clients } from '../registry/clients.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Account, Accounts } from './accounts.ts'
import { mayGrant } from './accounts.ts'
import type { Ask, Interaction } from './ask.ts'
import { findResource } from './canonical-resource.ts'
import type { ConsentKey } from './consents.ts'
import type { Known } from './entitlement.ts'
import { scopesOn, standingOf } from './entitlement.ts'
import type { ProtectedServer, Setup } from './setup.ts'

export type QuestionOptions = {
  readonly provider: () => Provider
  readonly setup: () => Setup
  readonly accounts: Accounts
  readonly book: Pick<Clients, 'get'>
}

/** What is asked of whom. */
export type Question = {
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
export async function readQuestion(
  { interaction, session }: Ask,
  { provider, setup, accounts, book }: QuestionOptions,
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

/** The caller the client would be with these scopes, as policy will see it. */
export function asCaller(question: Question, scopes: readonly string[], setup: Setup): Caller {
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

function textOf(parameter: unknown): string {
  return typeof parameter === 'string' ? parameter : ''
}

function resourcesOf({ params }: Interaction): readonly string[] {
  const { resource } = params
  const list: readonly unknown[] = Array.isArray(resource) ? resource : [resource]
  return list.filter((one) => typeof one === 'string')
}

/** Whether a redirect leads to a program on the person's computer, where anybody could be listening (RFC 8252 §8.6). */
export function isOnThisComputer(redirect: string): boolean {
  const { protocol, hostname } = new URL(redirect)
  return protocol !== 'https:' || isLoopback(hostname)
}

/** Loopback redirects differ in their port from start to start. */
export function redirectKey(redirect: string): string {
  if (!redirect.startsWith('http:')) return redirect
  const url = new URL(redirect)
  url.port = ''
  return url.href
}
