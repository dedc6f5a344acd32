/** `credential: { mode: exchange }`: where the caller's token is exchanged, and for what. */
import type { ExchangeCredential, HeaderTemplate, TokenEndpoint } from '../model/credential.ts'
import type { Path } from '../model/problem.ts'
import type { CredentialFile, OAuthClientFile } from './credential-file.ts'
import { readClient } from './read-oauth-client.ts'
import type { Reading } from './reading.ts'
import { isExposed } from './urls.ts'

type Flow = ExchangeCredential['flow']

/** One of these narrows what the token is good for; without it an exchange would widen it (R-SWAP). */
const NARROWED_BY: Readonly<Record<Flow, readonly ('audience' | 'resource' | 'scopes')[]>> = {
  token_exchange: ['audience', 'resource'],
  on_behalf_of: ['scopes'],
  id_jag: ['audience'],
  jwt_bearer: ['audience'],
}

/** Keys that say something in some flows only. */
const FLOWS_OF = new Map<keyof CredentialFile, readonly Flow[]>([
  ['audience', ['token_exchange', 'id_jag', 'jwt_bearer']],
  ['resource', ['token_exchange', 'id_jag', 'jwt_bearer']],
  ['actor', ['token_exchange']],
  ['subject_token_type', ['token_exchange', 'id_jag']],
  ['resource_token_url', ['id_jag']],
  ['resource_client', ['id_jag']],
])

/** Undefined when something that it cannot do without is reported. */
export async function readExchange(
  reading: Reading,
  at: Path,
  { written, place }: { readonly written: CredentialFile; readonly place: HeaderTemplate },
): Promise<ExchangeCredential | undefined> {
  const { flow = 'token_exchange', scopes = [] } = written
  const endpoint = await readEndpoint(reading, at, {
    url: { key: 'token_url', value: written.token_url },
    client: { key: 'client', value: written.client },
  })
  const resourceEndpoint =
    flow === 'id_jag'
      ? await readEndpoint(reading, at, {
          url: { key: 'resource_token_url', value: written.resource_token_url },
          client: { key: 'resource_client', value: written.resource_client },
        })
      : undefined
  for (const [key, flows] of FLOWS_OF) {
    if (written[key] === undefined || flows.includes(flow)) continue
    reading.reportKey([...at, key], `says nothing with flow: ${flow}`)
  }
  const given = { audience: written.audience, resource: written.resource, scopes: scopes[0] }
  if (!NARROWED_BY[flow].some((key) => given[key] !== undefined)) {
    const keys = NARROWED_BY[flow].join(' or ')
    reading.reportKey(at, `needs ${keys}: what the token is for must be said`)
  }
  if (endpoint === undefined) return undefined
  if (flow === 'id_jag' && resourceEndpoint === undefined) return undefined
  return {
    kind: 'exchange',
    place,
    flow,
    endpoint,
    resourceEndpoint,
    audience: written.audience,
    resource: written.resource,
    scopes,
    subjectTokenType: written.subject_token_type ?? 'access_token',
    actor: written.actor ?? 'none',
  }
}

type Keyed<Value> = { readonly key: string; readonly value: Value | undefined }

/**
 * An endpoint, and who we are there; undefined when something about it is reported.
 *
 * @param issuer Whose endpoint it is, where that is known.
 */
export async function readEndpoint(
  reading: Reading,
  at: Path,
  {
    url,
    client,
    issuer,
  }: {
    readonly url: Keyed<string>
    readonly client: Keyed<OAuthClientFile>
    readonly issuer?: string
  },
): Promise<TokenEndpoint | undefined> {
  for (const { key, value } of [url, client]) {
    if (value === undefined) reading.reportKey(at, `"${key}" is missing`)
  }
  if (url.value === undefined || client.value === undefined) return undefined
  const parsed = reading.url([...at, url.key], url.value)
  if (parsed !== undefined && isExposed(parsed)) {
    reading.report([...at, url.key], 'tokens would travel unencrypted; use https://')
  }
  const us = { written: client.value, audience: issuer ?? url.value }
  const read = await readClient(reading, [...at, client.key], us)
  return read && { url: url.value, client: read }
}
