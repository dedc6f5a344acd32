/** A provider with `discover`: an MCP server whose authorization server is found by what the server says. */
import { isLoopback } from '../model/loopback.ts'
import type { Path } from '../model/problem.ts'
import type { RemoteProvider } from '../model/provider.ts'
import type { ConfiguredProviderFile } from './credential-file.ts'
import type { PublicUrl } from './public-url.ts'
import { readClient } from './read-oauth-client.ts'
import { readCertificate } from './read-pem.ts'
import type { Reading } from './reading.ts'
import { isExposed } from './urls.ts'

/** What can be said of one; all else is found. */
const KEYS: ReadonlySet<string> = new Set([
  'discover',
  'client',
  'client_document',
  'title',
  'issuer',
  'ca',
  'scopes',
  'authorize_parameters',
])

export type RemoteProviderContext = {
  readonly reading: Reading
  readonly publicUrl: PublicUrl
  readonly name: string
  readonly file: ConfiguredProviderFile & { readonly discover: string }
}

/** Undefined when something that it cannot do without is reported. */
export async function readRemoteProvider(
  context: RemoteProviderContext,
): Promise<RemoteProvider | undefined> {
  const { reading, name, file } = context
  const at: Path = ['providers', name]
  for (const key of Object.keys(file)) {
    if (!KEYS.has(key)) reading.reportKey([...at, key], 'says nothing with discover: it is found')
  }
  const url = readPlace(reading, [...at, 'discover'], file.discover)
  const { issuer, title = name, scopes = [], authorize_parameters: parameters = {} } = file
  if (issuer !== undefined) readPlace(reading, [...at, 'issuer'], issuer)
  if (file.client !== undefined && issuer === undefined) {
    const why = 'a client is known to one issuer, and its secret is for no other'
    reading.reportKey([...at, 'client'], `needs issuer: ${why}`)
  }
  if (file.ca !== undefined && issuer === undefined) {
    const why =
      'what a server names must be on the public internet, with a certificate of the system’s'
    reading.reportKey([...at, 'ca'], `needs issuer: ${why}`)
  }
  const ca = await readCertificate(reading, [...at, 'ca'], file.ca)
  const client =
    file.client === undefined
      ? undefined
      : await readClient(reading, [...at, 'client'], {
          written: file.client,
          audience: issuer ?? file.discover,
        })
  const clientDocument = readClientDocument(context, [...at, 'client_document'])
  if (url === undefined || (file.client !== undefined && client === undefined)) return undefined
  return {
    name,
    title,
    // As URL writes it, so that it can be compared with the address of a server.
    discover: url.href,
    client,
    issuer,
    clientDocument,
    ca,
    scopes,
    authorizeParameters: parameters,
    silent: false,
  }
}

/** The address of the document that describes us, if there is to be one. */
function readClientDocument(
  { reading, publicUrl, name, file }: RemoteProviderContext,
  at: Path,
): string | undefined {
  const { client_document: written } = file
  if (written === 'none') return undefined
  if (written === undefined) {
    const { hostname, origin } = new URL(publicUrl.href)
    const isReachable = publicUrl.scheme === 'https:' && !isLoopback(hostname)
    return isReachable ? `${origin}${publicUrl.prefix}/connect/${name}/client.json` : undefined
  }
  const url = reading.url(at, written)
  if (url === undefined) return undefined
  if (url.protocol !== 'https:' || url.pathname === '/') {
    reading.report(at, 'must be an https URL with a path, or none')
  }
  return written
}

function readPlace(reading: Reading, at: Path, text: string): URL | undefined {
  const url = reading.url(at, text)
  if (url === undefined || !isExposed(url)) return url
  reading.report(at, 'tokens would travel unencrypted; use https://')
  return undefined
}
