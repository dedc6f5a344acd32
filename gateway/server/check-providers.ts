/** `gatehouse check` of providers that are discovered: who gives their tokens, and who would we be there? */
import { readFile } from 'node:fs/promises'

import type { FetchesOf } from '../egress/oauth-fetch.ts'
import type { Problem } from '../model/problem.ts'
import { isRemote, type RemoteProvider } from '../model/provider.ts'
import type { Settings } from '../settings/settings.ts'
import { readYaml } from '../settings/yaml.ts'
import { discover, type Discovered } from '../vault/discover.ts'
import { registrationAt, sourceOf } from '../vault/enrolments.ts'
import { DiscoveryError } from '../vault/metadata-document.ts'
import { createProviderFetches } from './provider-fetches.ts'

/** Somebody waits for the check, so a request gets five seconds, in milliseconds. */
const TIMEOUT_MS = 5_000

export type CheckedProviders = {
  /** What was found, in lines for people. */
  readonly lines: readonly string[]
  /** What keeps people from connecting, at `discover` of the provider. */
  readonly warnings: readonly Problem[]
}

type Checked = Pick<Settings, 'file' | 'providers' | 'servers'>

/**
 * Discovers them as connecting somebody would, and registers nowhere.
 *
 * @param isOffline Nothing is asked.
 */
export async function checkProviders(
  settings: Checked,
  { isOffline }: { readonly isOffline: boolean },
): Promise<CheckedProviders> {
  const remotes = [...settings.providers.values()].filter((one) => isRemote(one))
  if (remotes.length === 0) return { lines: [], warnings: [] }
  if (isOffline) {
    const lines = remotes.map(({ name, discover: server }) => `${name}: ${server} (not asked)`)
    return { lines, warnings: [] }
  }
  const fetches = createProviderFetches({ settings, timeoutMs: TIMEOUT_MS })
  try {
    const tried = await Promise.all(remotes.map((remote) => tryProvider(remote, fetches.of)))
    const failed = tried.filter((one) => !one.ok)
    return {
      lines: tried.flatMap((one) => (one.ok ? one.lines : [])),
      warnings: failed.length === 0 ? [] : await placed(failed, settings.file),
    }
  } finally {
    await fetches.close()
  }
}

export type Tried =
  | { readonly ok: true; readonly lines: readonly string[] }
  | { readonly ok: false; readonly provider: string; readonly why: string }

/** Discovers one. Never rejects. */
export async function tryProvider(remote: RemoteProvider, fetchesOf: FetchesOf): Promise<Tried> {
  try {
    const found = await discover(remote, fetchesOf(remote.name))
    return { ok: true, lines: describe(remote, found) }
  } catch (error) {
    const why = error instanceof DiscoveryError ? error.message : String(error)
    return { ok: false, provider: remote.name, why }
  }
}

/** @throws {DiscoveryError} where nobody can connect, because we cannot become a client. */
function describe(remote: RemoteProvider, found: Discovered): readonly string[] {
  const { authority, metadata, resource, scopes } = found
  const asked = remote.scopes.length > 0 ? remote.scopes : scopes
  return [
    `${remote.name}: ${remote.discover}`,
    `  tokens are for ${resource} (${metadata === undefined ? 'it has no resource metadata' : `says ${metadata}`})`,
    `  authorization server ${authority.issuer}: consent at ${authority.authorizeUrl}, tokens at ${authority.tokenUrl}`,
    `  the gateway is ${clientWords(remote, found)}`,
    `  scopes: ${asked.length === 0 ? 'none named' : asked.join(' ')}`,
  ]
}

function clientWords(remote: RemoteProvider, { authority }: Discovered): string {
  const source = sourceOf(remote, authority)
  switch (source.kind) {
    case 'configured':
      return `the client ${source.client.id} of the configuration`
    case 'document':
      return `the client that ${source.client.id} describes, which must be reachable from there`
    case 'registered': {
      const { url, method } = registrationAt(authority)
      return `a client that registers at ${url} (${method}) when the first person connects`
    }
  }
}

async function placed(
  failed: readonly { readonly provider: string; readonly why: string }[],
  file: string,
): Promise<readonly Problem[]> {
  const document = readYaml(file, await readFile(file, 'utf8'))
  return failed.map(({ provider, why }) => {
    const path = ['providers', provider, 'discover']
    const at = document.ok ? document.at(path, 'value') : { line: 1, column: 1 }
    return { file, ...at, message: `${path.join('.')}: nobody can connect: ${why}` }
  })
}
