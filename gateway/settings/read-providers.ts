/** Section `providers`: what is known of a service, with what the operator says of it. */
import type { Path } from '../model/problem.ts'
import type { Provider, RemoteProvider } from '../model/provider.ts'
import type { ConfigFile } from './config-file.ts'
import type { ConfiguredProviderFile, ProviderFile } from './credential-file.ts'
import { knownProviders } from './known-providers.ts'
import type { PublicUrl } from './public-url.ts'
import { readClient } from './read-oauth-client.ts'
import { readCertificate } from './read-pem.ts'
import { readRemoteProvider } from './read-remote-provider.ts'
import type { Reading } from './reading.ts'
import { isExposed } from './urls.ts'

const URLS = ['authorize_url', 'token_url', 'refresh_url', 'revoke_url'] as const

/** Stands in what is known of services that have a host for each customer. */
const PLACEHOLDER = /SUBDOMAIN|SHOP/

/** What providers are read against. */
type Context = {
  readonly reading: Reading
  readonly config: ConfigFile
  readonly publicUrl: PublicUrl
}

/** The providers the schema has accepted; what else is wrong with them is reported. */
export async function readProviders({
  reading,
  config,
  publicUrl,
}: Context): Promise<ReadonlyMap<string, Provider | RemoteProvider>> {
  const providers = new Map<string, Provider | RemoteProvider>()
  for (const [name, file] of Object.entries(config.providers)) {
    if (!reading.isSound(['providers', name])) continue
    const { discover } = file
    const provider =
      discover === undefined
        ? await readProvider(reading, name, file)
        : await readRemoteProvider({ reading, publicUrl, name, file: { ...file, discover } })
    if (provider !== undefined) providers.set(name, provider)
  }
  return providers
}

async function readProvider(
  reading: Reading,
  name: string,
  { client, client_document: document, ca: caFile, ...said }: ConfiguredProviderFile,
): Promise<Provider | undefined> {
  const at: Path = ['providers', name]
  if (document !== undefined) {
    reading.reportKey([...at, 'client_document'], 'says nothing without discover')
  }
  const ca = await readCertificate(reading, [...at, 'ca'], caFile)
  const facts: ProviderFile = { ...knownProviders().get(name), ...said }
  const urls = readUrls(reading, at, facts)
  if (client === undefined) {
    reading.reportKey(at, '"client" is missing: register one there, or see discover')
    return undefined
  }
  const auth = client.auth ?? (client.secret === undefined ? 'none' : facts.client_auth)
  const written = auth === undefined ? client : { ...client, auth }
  const audience = facts.issuer ?? urls?.token ?? ''
  const read = await readClient(reading, [...at, 'client'], { written, audience })
  if (urls === undefined || read === undefined) return undefined
  return { ...toProvider(name, facts, urls), client: read, ca }
}

type Urls = { readonly authorize: string; readonly token: string }

function readUrls(reading: Reading, at: Path, facts: ProviderFile): Urls | undefined {
  let sound = true
  for (const key of URLS) {
    const text = facts[key]
    if (text === undefined) continue
    const parsed = reading.url([...at, key], text)
    sound &&= parsed !== undefined
    if (PLACEHOLDER.test(text)) {
      reading.report([...at, key], `write it with the host of your own account: ${text}`)
    } else if (parsed !== undefined && isExposed(parsed)) {
      reading.report([...at, key], 'tokens would travel unencrypted; use https://')
    }
  }
  for (const key of ['authorize_url', 'token_url'] as const) {
    if (facts[key] !== undefined) continue
    const known = [...knownProviders().keys()].join(', ')
    reading.reportKey(at, `"${key}" is missing; without it the name must be one of ${known}`)
  }
  const { authorize_url: authorize, token_url: token } = facts
  return sound && authorize !== undefined && token !== undefined ? { authorize, token } : undefined
}

function toProvider(
  name: string,
  facts: ProviderFile,
  { authorize, token }: Urls,
): Omit<Provider, 'client' | 'ca'> {
  const { header = 'Authorization', user = '' } = facts
  const as = facts.as ?? (header.toLowerCase() === 'authorization' ? 'bearer' : 'plain')
  return {
    name,
    title: facts.title ?? name,
    authorizeUrl: authorize,
    tokenUrl: token,
    refreshUrl: facts.refresh_url ?? token,
    revokeUrl: facts.revoke_url,
    issuer: facts.issuer,
    sendsIssuer: facts.sends_issuer ?? false,
    bodyFormat: facts.body_format ?? 'form',
    pkce: facts.pkce ?? true,
    scopes: facts.scopes ?? [],
    scopeSeparator: facts.scope_separator ?? ' ',
    scopeParameter: facts.scope_parameter ?? 'scope',
    silent: facts.silent ?? false,
    loginHint: facts.login_hint ?? false,
    authorizeParameters: facts.authorize_parameters ?? {},
    tokenParameters: facts.token_parameters ?? {},
    tokenPath: facts.token_path?.split('.') ?? [],
    okField: facts.ok_field,
    rotation: facts.rotation ?? 'none',
    place: { header, as, user },
    accountField: facts.account_field?.split('.') ?? [],
    reach: 'any',
    grantor: undefined,
  }
}
