/** Providers as they are worked with: those that were written down, and those that are discovered. */
import type { FetchesOf } from '../egress/oauth-fetch.ts'
import type { OAuthClient } from '../model/credential.ts'
import type { Emit } from '../model/event.ts'
import { isRemote, type Grantor, type Provider, type RemoteProvider } from '../model/provider.ts'
import { Secret } from '../model/secret.ts'
import type { Connection, Owner, Tokens } from './connection.ts'
import { discover, reachOfAuthority, type Discovered } from './discover.ts'
import type { Enrolled, EnrolmentsOptions } from './enrolments.ts'
import { clientMetadata, createEnrolments } from './enrolments.ts'
import type { Members } from './metadata-document.ts'
import { DiscoveryError } from './metadata-document.ts'

/** What was discovered for a page is still good for what the person does on it. */
const RECENT_MS = 60_000

export type NamedProvider = Pick<Provider, 'name' | 'title' | 'silent'>

/** What a person is told before being sent to a provider. */
export type Preview = NamedProvider & Pick<Provider, 'authorizeUrl' | 'scopes'>

/** Who gave tokens, as it is kept with them. */
export type Giver = Pick<Connection, 'grantor'> & Pick<Tokens, 'clientSecret'>

export type Providers = {
  /** As configured, whatever its kind. */
  named(name: string): Provider | RemoteProvider | undefined
  /**
   * What connecting would ask for, discovered anew.
   *
   * @param wanted Scopes; empty for those that the provider names itself.
   * @throws {DiscoveryError}
   */
  preview(name: string, wanted: readonly string[]): Promise<Preview>
  /** Ready to send this person to: we are its client. @throws {DiscoveryError} */
  begin(name: string, wanted: readonly string[], owner: Owner): Promise<Provider>
  /** The one that gave tokens; undefined where it is configured otherwise by now. */
  giver(name: string, giver: Giver): Provider | undefined
  /** Whether the server of a connection names another issuer by now than the one that gave its tokens. */
  hasMoved(connection: Pick<Connection, 'provider' | 'grantor'>): Promise<boolean>
  /** It does not know us any more. @returns whether there is anything to be done about it. */
  forget(provider: Provider): Promise<boolean>
  /** The document that describes us to a provider; undefined where there is none. */
  document(name: string): Members | undefined
}

export type ProvidersOptions = Omit<EnrolmentsOptions, 'emit'> & {
  readonly configured: ReadonlyMap<string, Provider | RemoteProvider>
  readonly fetchesOf: FetchesOf
  readonly emit: Emit
}

export function createProviders(options: ProvidersOptions): Providers {
  const { configured, now } = options
  const enrolments = createEnrolments(options)
  /** One entry for each configured provider at most. */
  const recent = new Map<string, { readonly found: Promise<Discovered>; atMs: number }>()
  // One at a time: whoever looks without end must not hold up those whose tokens come from the same host.
  const find = (remote: RemoteProvider, maxAgeMs: number): Promise<Discovered> => {
    const known = recent.get(remote.name)
    if (known !== undefined && now() - known.atMs < maxAgeMs) return known.found
    const found = discoverAndTell(remote, options)
    // As long as it is under way it is new to everybody.
    const entry = { found, atMs: Number.POSITIVE_INFINITY }
    recent.set(remote.name, entry)
    found.then(
      () => (entry.atMs = now()),
      () => recent.get(remote.name) === entry && recent.delete(remote.name),
    )
    return found
  }
  const configuredAs = (name: string): Provider | RemoteProvider => {
    const provider = configured.get(name)
    if (provider === undefined) throw new DiscoveryError(`there is no provider ${name}`)
    return provider
  }
  return {
    named: (name) => configured.get(name),
    async preview(name, wanted) {
      const provider = configuredAs(name)
      if (!isRemote(provider)) return provider
      const found = await find(provider, 0)
      const { title, silent } = provider
      const { authorizeUrl } = found.authority
      return { name, title, silent, authorizeUrl, scopes: scopesOf(provider, found, wanted) }
    },
    async begin(name, wanted, { tenant, issuer: from, subject }) {
      const remote = configuredAs(name)
      if (!isRemote(remote)) return remote
      const found = await find(remote, RECENT_MS)
      const { authority } = found
      const reach = reachOfAuthority([authority.registerUrl], remote)
      const { client, source } = await enrolments.enrol(remote, {
        authority,
        fetch: options.fetchesOf(name)[reach],
        person: JSON.stringify([tenant, from, subject]),
      })
      const grantor = grantorOf(found, { server: remote.discover, client, source })
      return providerFrom({ remote, grantor, client, scopes: scopesOf(remote, found, wanted) })
    },
    giver(name, { grantor, clientSecret }) {
      const provider = configured.get(name)
      if (provider === undefined || !isFrom(provider, grantor)) return undefined
      if (!isRemote(provider)) return provider
      if (grantor === undefined) return undefined
      const client = clientOf(provider, grantor, clientSecret)
      if (client === undefined) return undefined
      return providerFrom({ remote: provider, grantor, client, scopes: [] })
    },
    async hasMoved({ provider, grantor }) {
      const remote = configured.get(provider)
      if (remote === undefined || !isRemote(remote)) return false
      const found = await find(remote, RECENT_MS).catch(() => undefined)
      return found !== undefined && found.authority.issuer !== grantor?.issuer
    },
    async forget({ name, grantor }) {
      if (grantor?.client.source !== 'registered') return false
      await enrolments.forget(name, grantor)
      return true
    },
    document(name) {
      const remote = configured.get(name)
      if (remote === undefined || !isRemote(remote)) return undefined
      const { clientDocument } = remote
      if (clientDocument === undefined) return undefined
      const { origin, redirectUri } = options
      const metadata = clientMetadata({
        redirectUri: redirectUri(name),
        origin,
        authMethod: 'none',
      })
      return { client_id: clientDocument, ...metadata }
    },
  }
}

/** Whether a connection is one to this provider: not where its server has another address by now (C-11). */
export function isFrom(
  provider: Provider | RemoteProvider | undefined,
  grantor: Grantor | undefined,
): boolean {
  if (provider === undefined) return false
  return (isRemote(provider) ? provider.discover : undefined) === grantor?.server
}

async function discoverAndTell(
  remote: RemoteProvider,
  { emit, fetchesOf }: ProvidersOptions,
): Promise<Discovered> {
  const told = { type: 'provider_discovery', provider: remote.name } as const
  try {
    const found = await discover(remote, fetchesOf(remote.name))
    emit({ ...told, ok: true, issuer: found.authority.issuer })
    return found
  } catch (error) {
    const detail = error instanceof DiscoveryError ? error.message : 'discovery failed'
    emit({ ...told, ok: false, detail })
    throw error
  }
}

function grantorOf(
  { authority, resource }: Discovered,
  { server, client: { id, auth }, source }: Enrolled & { readonly server: string },
): Grantor {
  const { issuer, authorizeUrl, tokenUrl, revokeUrl, sendsIssuer } = authority
  const client = { id, auth, source }
  return { server, issuer, authorizeUrl, tokenUrl, revokeUrl, sendsIssuer, resource, client }
}

/** One that the operator registered is as it is configured by now: its secret may have changed. */
function clientOf(
  remote: RemoteProvider,
  { client: { id, auth, source } }: Grantor,
  kept: string | undefined,
): OAuthClient | undefined {
  if (source === 'configured') return remote.client
  return { id, auth, secret: kept === undefined ? undefined : new Secret(kept) }
}

/** Those that are wanted or configured, else those of the server; and the one for refresh tokens. */
function scopesOf(
  { scopes: configured }: RemoteProvider,
  { authority, scopes: named }: Discovered,
  wanted: readonly string[],
): readonly string[] {
  const own = [...configured, ...wanted]
  const offline = authority.hasOfflineAccess ? ['offline_access'] : []
  return [...new Set([...(own.length > 0 ? own : named), ...offline])]
}

/** Found as OAuth 2.1 and the MCP specification have it: no quirks, and the resource in every request. */
function providerFrom(from: {
  readonly remote: RemoteProvider
  readonly grantor: Grantor
  readonly client: OAuthClient
  readonly scopes: readonly string[]
}): Provider {
  const { remote, grantor, client, scopes } = from
  const { authorizeUrl, issuer, resource, revokeUrl, sendsIssuer, tokenUrl } = grantor
  return {
    name: remote.name,
    title: remote.title,
    client,
    authorizeUrl,
    tokenUrl,
    refreshUrl: tokenUrl,
    revokeUrl,
    issuer,
    sendsIssuer,
    bodyFormat: 'form',
    pkce: true,
    scopes,
    scopeSeparator: ' ',
    scopeParameter: 'scope',
    silent: false,
    loginHint: false,
    authorizeParameters: { ...remote.authorizeParameters, resource },
    tokenParameters: { resource },
    tokenPath: [],
    okField: undefined,
    rotation: 'single_use',
    place: { header: 'Authorization', as: 'bearer', user: '' },
    accountField: [],
    ca: remote.ca,
    reach: reachOfAuthority([tokenUrl, revokeUrl], remote),
    grantor,
  }
}
