/** Section `authorization_server`: Gatehouse as its own issuer, with its clients and registrations. */
import { isLoopback } from '../model/loopback.ts'
import type { Path } from '../model/problem.ts'
import type {
  AuthorizationServerFile,
  EntitlementFile,
  OauthClientFile,
  RegistrationTokenFile,
} from './authorization-server-file.ts'
import type { ConfigFile } from './config-file.ts'
import type { ServersContext } from './read-servers.ts'
import { readJwks } from './read-jwks.ts'
import { readBudget } from './read-limits.ts'
import { readLives } from './read-lives.ts'
import { readSignIn } from './read-sign-in.ts'
import { readUsers } from './read-users.ts'
import { readWorkloads } from './read-workloads.ts'
import { redirectHostFault } from './redirect-host.ts'
import type { Reading } from './reading.ts'
import { reportUnknown } from './report-unknown.ts'
import { readSecret } from './secrets.ts'
import type {
  AuthorizationRules,
  DocumentRules,
  Entitlement,
  ConfiguredClient,
  RegistrationRules,
  RegistrationToken,
  StatementIssuer,
} from '../model/authorization-rules.ts'

/** What it is read against. */
type Context = Omit<ServersContext, 'decisionPoint'>

const AT: Path = ['authorization_server']

/** Where its endpoints are; no server can have a path there. */
const OWN_PATH = '/oauth'

/** The settings of the authorization server; undefined where there is none. */
export async function readAuthorizationServer(
  context: Context,
): Promise<AuthorizationRules | undefined> {
  const { reading, config, publicUrl } = context
  const file = config.authorization_server
  if (file === undefined) return undefined
  const issuer = `${publicUrl.scheme}//${publicUrl.host}`
  reportPlace(context, issuer)
  if (config.keys === undefined && (reading.env['GATEHOUSE_KEYS'] ?? '') === '') {
    const lost = 'its signing keys and clients end with the process'
    reading.warn(AT, `without a key ring ${lost}; "gatehouse keys new" prints a key`)
  }
  return {
    issuer,
    tenant: file.tenant,
    lives: readLives(reading, AT, file),
    users: file.users === undefined ? new Map() : await readUsers(reading, file.users),
    signIn: await readSignIn(reading, AT, file),
    clients: await readClients(reading, config, file),
    workloads: await readWorkloads(reading, config, { at: AT, file }),
    registration: await readRegistration(reading, config, file),
    documents: readDocuments(reading, file),
    limits: {
      network: readBudget(file.limits.network),
      client: readBudget(file.limits.client),
    },
  }
}

/** Codes and cookies travel to this origin, so nobody may read along. */
function reportPlace({ reading, config, publicUrl }: Context, issuer: string): void {
  const { hostname } = new URL(issuer)
  if (publicUrl.scheme === 'http:' && !isLoopback(hostname)) {
    reading.report(['public_url'], 'must be https: people sign in there (authorization_server)')
  }
  if (config.issuers.some((other) => other.issuer === issuer)) {
    reading.reportKey(AT, `${issuer} is its issuer, which issuers names as another one`)
  }
  for (const [name, { path }] of Object.entries(config.servers)) {
    const own = path === undefined ? '' : publicUrl.prefix + path
    if (own !== OWN_PATH && !own.startsWith(`${OWN_PATH}/`)) continue
    reading.report(['servers', name, 'path'], `${OWN_PATH} belongs to the authorization server`)
  }
}

async function readClients(
  reading: Reading,
  config: ConfigFile,
  file: AuthorizationServerFile,
): Promise<ReadonlyMap<string, ConfiguredClient>> {
  const clients = new Map<string, ConfiguredClient>()
  for (const [id, client] of Object.entries(file.clients)) {
    const at = [...AT, 'clients', id]
    const auth = await readAuth(reading, at, client)
    if (auth === undefined) continue
    if (auth.kind === 'public' && client.grants.includes('client_credentials')) {
      reading.report([...at, 'grants'], 'client_credentials needs a secret or jwks')
    }
    if (client.grants.includes('authorization_code') && client.redirect_uris.length === 0) {
      reading.reportKey(at, 'authorization_code needs redirect_uris')
    }
    for (const [index, uri] of client.redirect_uris.entries()) {
      const why = redirectFault(uri)
      if (why !== undefined) reading.report([...at, 'redirect_uris', index], why)
    }
    reportExchange(reading, { at, config, client, auth })
    if (client.grants.includes('jwt_bearer')) reportBearer(reading, { at, file, auth })
    clients.set(id, {
      ...readEntitlement(reading, { at, config, file: client }),
      name: client.name,
      auth,
      redirectUris: client.redirect_uris,
      mayExchange: client.may_exchange,
    })
  }
  return clients
}

/** Whoever shows what an identity provider says of a person is known for certain, and somebody says it. */
function reportBearer(
  reading: Reading,
  { at, file, auth }: { at: Path; file: AuthorizationServerFile; auth: ConfiguredClient['auth'] },
): void {
  if (auth.kind === 'public') reading.report([...at, 'grants'], 'jwt_bearer needs a secret or jwks')
  const providers = Object.values(file.sign_in)
  if (providers.some(({ identity_assertions: taken }) => taken !== undefined)) return
  const missing = 'jwt_bearer needs identity_assertions at one of sign_in'
  reading.report([...at, 'grants'], missing)
}

/** Whoever exchanges tokens of others is known for certain, and both sides of it are named. */
function reportExchange(
  reading: Reading,
  {
    at,
    config,
    client,
    auth,
  }: { at: Path; config: ConfigFile; client: OauthClientFile; auth: ConfiguredClient['auth'] },
): void {
  const rights = client.may_exchange
  const hasGrant = client.grants.includes('token_exchange')
  if (hasGrant && rights === undefined) {
    reading.report([...at, 'grants'], 'token_exchange needs may_exchange: whose tokens, for what')
  }
  if (rights === undefined) return
  if (!hasGrant) reading.report([...at, 'may_exchange'], 'needs token_exchange among grants')
  if (auth.kind === 'public') reading.report([...at, 'may_exchange'], 'needs a secret or jwks')
  if (client.kind === 'human') {
    reading.report([...at, 'may_exchange'], 'kind human cannot: an exchanged token has an actor')
  }
  reportUnknown(reading, config, { at: [...at, 'may_exchange', 'from'], names: rights.from })
  reportUnknown(reading, config, { at: [...at, 'may_exchange', 'to'], names: rights.to })
}

async function readAuth(
  reading: Reading,
  at: Path,
  { secret, jwks }: OauthClientFile,
): Promise<ConfiguredClient['auth'] | undefined> {
  if (secret !== undefined && jwks !== undefined) {
    reading.reportKey(at, 'secret and jwks; remove one of the two')
  }
  if (jwks !== undefined) return { kind: 'keys', keys: jwks.keys }
  if (secret === undefined) return { kind: 'public' }
  const value = await readSecret(reading, [...at, 'secret'], secret)
  return value === undefined ? undefined : { kind: 'secret', secret: value }
}

/** RFC 8252 §7 and OAuth 2.1 §2.3.1: exact, and where nobody but the client listens. */
function redirectFault(uri: string): string | undefined {
  if (!URL.canParse(uri)) return 'must be an absolute URI'
  const { protocol, hostname, hash } = new URL(uri)
  if (hash !== '' || uri.includes('#')) return 'must not have a fragment'
  if (protocol === 'https:') return undefined
  if (protocol === 'http:')
    return isLoopback(hostname) ? undefined : 'must be https outside loopback'
  return protocol.includes('.') ? undefined : 'a scheme of its own must have a dot'
}

function readDocuments(
  reading: Reading,
  { client_documents: file }: AuthorizationServerFile,
): DocumentRules {
  const at = [...AT, 'client_documents', 'mode']
  if (file.mode === 'listed' && file.hosts.length === 0) reading.report(at, 'listed without hosts')
  const { mode, hosts, human_hosts: humanHosts } = file
  return { mode, hosts: lowerCase(hosts), humanHosts: lowerCase(humanHosts) }
}

function lowerCase(hosts: readonly string[]): readonly string[] {
  return hosts.map((host) => host.toLowerCase())
}

async function readRegistration(
  reading: Reading,
  config: ConfigFile,
  { registration }: AuthorizationServerFile,
): Promise<RegistrationRules> {
  const at = [...AT, 'registration']
  const tokens = new Map<string, RegistrationToken>()
  for (const [name, token] of Object.entries(registration.tokens)) {
    tokens.set(name, readToken(reading, config, { at: [...at, 'tokens', name], file: token }))
  }
  if (registration.mode === 'token' && tokens.size === 0) {
    reading.report([...at, 'mode'], 'token without any of registration.tokens: nobody can register')
  }
  const known = Object.keys(registration.statements).length
  if (registration.mode === 'statement' && known === 0) {
    const missing = 'statement without any of registration.statements: nobody can register'
    reading.report([...at, 'mode'], missing)
  }
  const hosts = lowerCase(registration.redirect_hosts)
  for (const [index, host] of hosts.entries()) {
    const fault = redirectHostFault(host)
    if (fault !== undefined) reading.report([...at, 'redirect_hosts', index], fault)
  }
  return {
    mode: registration.mode,
    redirectHosts: hosts.length === 0 ? undefined : hosts,
    idleMs: reading.duration([...at, 'idle'], registration.idle),
    perMinute: registration.per_minute,
    maxClients: registration.max_clients,
    tokens,
    statements: await readStatements(reading, config, { at, files: registration.statements }),
  }
}

async function readStatements(
  reading: Reading,
  config: ConfigFile,
  { at, files }: { at: Path; files: AuthorizationServerFile['registration']['statements'] },
): Promise<ReadonlyMap<string, StatementIssuer>> {
  const issuers = new Map<string, StatementIssuer>()
  for (const [name, file] of Object.entries(files)) {
    const here = [...at, 'statements', name]
    const { issuer, algorithms } = file
    const same = [...issuers.values()].find((other) => other.issuer === issuer)
    if (same !== undefined) reading.report([...here, 'issuer'], `is that of ${same.name} already`)
    const own = { ...file, groups: [] }
    const entitlement = readEntitlement(reading, { at: here, config, file: own })
    const jwks = await readJwks(reading, [...here, 'jwks'], { jwks: file.jwks, algorithms })
    if (jwks !== undefined) issuers.set(name, { ...entitlement, name, issuer, jwks, algorithms })
  }
  return issuers
}

function readToken(
  reading: Reading,
  config: ConfigFile,
  { at, file }: { readonly at: Path; readonly file: RegistrationTokenFile },
): RegistrationToken {
  return {
    ...readEntitlement(reading, { at, config, file }),
    sha256: file.sha256,
    idleMs: reading.duration([...at, 'idle'], file.idle),
    maxClients: file.max_clients,
  }
}

function readEntitlement(
  reading: Reading,
  { at, config, file }: { at: Path; config: ConfigFile; file: EntitlementFile },
): Entitlement {
  reportUnknown(reading, config, { at: [...at, 'servers'], names: file.servers ?? [] })
  const { kind, grants, scopes, servers, groups } = file
  return { kind, grants, scopes: scopes.length === 0 ? undefined : scopes, servers, groups }
}
