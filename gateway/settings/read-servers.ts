/** Section `servers`: public paths, upstreams, credentials. */
import type { DecisionPoint } from '../model/decision-point.ts'
import type { Path } from '../model/problem.ts'
import type { McpServer, Upstream, UpstreamTls } from '../model/server.ts'
import type { ConfigFile } from './config-file.ts'
import type { ServerFile, UpstreamFile } from './server-file.ts'
import { nearest } from './nearest.ts'
import { pathFault, type PublicUrl } from './public-url.ts'
import { readConsent } from './read-consent.ts'
import { readCredentials } from './read-credential.ts'
import { readDecisionPoint } from './read-decision-point.ts'
import { readCertificate, readPrivateKey } from './read-pem.ts'
import type { Reading } from './reading.ts'
import { readRoutes, reportOverlaps } from './read-routes.ts'
import { sizeBytes } from './units.ts'
import { isExposed, parseUpstreamUrl } from './urls.ts'

/** Bounds of `max_body`: room for a handshake below, and above what one call should hold in memory. */
const MIN_BODY_BYTES = 1024
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Well-known documents of the gateway itself live here. */
const RESERVED = '/.well-known'

/** Where people connect their accounts. */
const CONNECT = '/connect/'

/** Below the path of a server, the gateway gives out tickets for WebSocket handshakes there. */
const TICKETS = '/ws-ticket'

/** What a server is read against. */
export type ServersContext = {
  readonly reading: Reading
  readonly config: ConfigFile
  readonly publicUrl: PublicUrl
  /** Of the whole configuration. */
  readonly decisionPoint: DecisionPoint | undefined
}

/** The servers the schema has accepted; what else is wrong with them is reported. */
export async function readServers(context: ServersContext): Promise<readonly McpServer[]> {
  const servers: McpServer[] = []
  const taken = new Map<string, string>()
  for (const [name, file] of Object.entries(context.config.servers)) {
    if (!context.reading.isSound(['servers', name])) continue
    const place = readPlace(context, name, file)
    const earlier = taken.get(addressOf(place))
    if (earlier !== undefined) {
      const message = `the same public URL as server "${earlier}"`
      context.reading.reportKey(['servers', name, 'path'], message)
    }
    if (taken.size === 0) warnRepeated(context, place)
    taken.set(addressOf(place), name)
    const server = await readServer(context, file, place)
    if (server !== undefined) servers.push(server)
  }
  reportOverlaps(context.reading, servers)
  return servers
}

/** Where a server answers: a loopback host does so by each of the three names there are for it. */
function addressOf({ host, path }: Place): string {
  return host.replace(/^(127\.0\.0\.1|\[::1\])(?=:|$)/, 'localhost') + path
}

/** The URL of a server where that of the gateway belongs: `/mcp` and again `/mcp` or `/mcp/docs`. */
function warnRepeated(
  { reading, publicUrl }: ServersContext,
  { name, path, resource }: Place,
): void {
  const { prefix } = publicUrl
  const own = path.slice(prefix.length)
  const last = prefix.slice(prefix.lastIndexOf('/'))
  if (prefix === '' || !(prefix.endsWith(own) || own.startsWith(`${last}/`))) return
  const advice = `the paths of servers come after it: "${name}" is at ${resource}`
  reading.warn(['public_url'], `ends in ${last}; ${advice}`)
}

/** Where clients find a server. */
type Place = Pick<McpServer, 'name' | 'host' | 'path' | 'resource'>

function readPlace(context: ServersContext, name: string, file: ServerFile): Place {
  const host = readHost(context, name, file)
  const path = readPath(context, name, file)
  return { name, host, path, resource: `${context.publicUrl.scheme}//${host}${path}` }
}

/** The rest of a server; everything in it is looked at even when it cannot be used. */
async function readServer(
  context: ServersContext,
  file: ServerFile,
  place: Place,
): Promise<McpServer | undefined> {
  const { reading, config } = context
  const { name, resource } = place
  const at: Path = ['servers', name]
  const upstream = await readUpstream(reading, [...at, 'upstream'], file.upstream)
  const credentials = await readCredentials({ reading, config, file }, at)
  const consent = await readConsent(reading, at, file)
  const decisionPoint = await readDecisionPoint(reading, { at, file }, context.decisionPoint)
  reportUnknownIssuers(context, name, file)
  const maxBodyBytes = sizeBytes(file.max_body) ?? 0
  if (maxBodyBytes < MIN_BODY_BYTES || maxBodyBytes > MAX_BODY_BYTES) {
    reading.report([...at, 'max_body'], 'must be between 1KiB and 64MiB')
  }
  if (file.anonymous) {
    reading.warn([...at, 'anonymous'], 'callers without a credential are served')
  } else if (hasNoCallers(config)) {
    const none = 'no authorization_server, no issuers, no api_keys, not anonymous'
    reading.warn(at, `nobody can call it: ${none}`)
  }
  // Whether a client may come back without its person is between it and the authorization server.
  const offline = file.scopes.indexOf('offline_access')
  if (offline !== -1) {
    reading.report([...at, 'scopes', offline], 'offline_access is no scope of a server; remove it')
  }
  if (upstream === undefined || credentials === undefined) return undefined
  if (upstream.transport !== 'http' && (file.eras === 'modern' || file.eras === 'both')) {
    reading.report([...at, 'eras'], 'the modern revisions are of Streamable HTTP alone; use legacy')
  }
  if (upstream.transport === 'websocket' && file.refusals === 'http') {
    reading.report([...at, 'refusals'], 'a WebSocket has no statuses; use jsonrpc')
  }
  if ((upstream.origin + upstream.path).replace(/^ws/, 'http') === resource) {
    // A call would go round until connections run out.
    reading.report([...at, 'upstream', 'url'], 'points back at the gateway itself')
  }
  return {
    ...place,
    audiences: [...new Set([resource, ...file.audiences])],
    issuers: file.issuers,
    scopes: file.scopes,
    initialScopes: readInitialScopes(reading, at, file),
    upstream,
    ...credentials,
    anonymous: file.anonymous,
    eras: file.eras,
    methods: new Set(file.methods),
    resourceUris: file.resource_uris,
    unlisted: file.unlisted,
    refusals: file.refusals,
    pin: file.pin,
    decisionPoint,
    consent,
    maxBodyBytes,
    routes: readRoutes(context, { at: [...at, 'routes'], file, host: place.host }),
  }
}

/** Undefined where nothing was written: then all are asked for. */
function readInitialScopes(
  reading: Reading,
  at: Path,
  { scopes, initial_scopes: initial }: ServerFile,
): readonly string[] | undefined {
  for (const [index, scope] of initial.entries()) {
    // Where the server names none, they are those that rules ask for.
    if (scopes.length === 0 || scopes.includes(scope)) continue
    reading.report([...at, 'initial_scopes', index], 'is not among scopes')
  }
  return initial.length === 0 ? undefined : initial
}

function readHost({ reading, publicUrl }: ServersContext, name: string, file: ServerFile): string {
  if (file.host === undefined) return publicUrl.host
  const text = `${publicUrl.scheme}//${file.host}/`
  // What the URL parser would change (case, default port, percent escapes) a Host header would not match.
  if (!URL.canParse(text) || new URL(text).href !== text || /[@/?#]/.test(file.host)) {
    const advice = 'lower case, no scheme, no default port'
    reading.report(['servers', name, 'host'], `must be a host or host:port; ${advice}`)
  }
  return file.host
}

function readPath(context: ServersContext, name: string, file: ServerFile): string {
  const { reading, config, publicUrl } = context
  const at: Path = ['servers', name, 'path']
  // A sole server has the short path. Adding a second one to its host is a visible decision: write
  // the path, or clients find the first one elsewhere.
  const hostOf = (server: ServerFile): string => server.host ?? publicUrl.host
  const neighbours = Object.values(config.servers).filter((one) => hostOf(one) === hostOf(file))
  const own = file.path ?? (neighbours.length === 1 ? '/mcp' : `/mcp/${name}`)
  const path = publicUrl.prefix + own
  const why = pathFault(own)
  if (why !== undefined) reading.report(at, why)
  else if (Object.keys(config.providers).length > 0 && own.startsWith(CONNECT)) {
    reading.report(at, `${CONNECT} belongs to the gateway, where there are providers`)
  } else if (path === RESERVED || path.startsWith(`${RESERVED}/`)) {
    reading.report(at, `${RESERVED}/ belongs to the gateway`)
  } else if (path.endsWith(TICKETS)) {
    reading.report(at, `${TICKETS} belongs to the gateway`)
  }
  return path
}

async function readUpstream(
  reading: Reading,
  at: Path,
  file: UpstreamFile,
): Promise<Upstream | undefined> {
  const url = reading.url([...at, 'url'], file.url, parseUpstreamUrl)
  const tls = await readUpstreamTls(reading, [...at, 'tls'], file)
  const connectTimeoutMs = reading.duration([...at, 'connect_timeout'], file.connect_timeout)
  const headersTimeoutMs = reading.duration([...at, 'headers_timeout'], file.headers_timeout)
  const totalTimeoutMs = reading.duration([...at, 'total_timeout'], file.total_timeout)
  const idleTimeoutMs = reading.duration([...at, 'idle_timeout'], file.idle_timeout)
  if (url === undefined) return undefined
  if (isExposed(url) && !file.allow_insecure_http) {
    const secure = url.protocol === 'ws:' ? 'wss://' : 'https://'
    const advice = `use ${secure}, or set allow_insecure_http: true on this upstream`
    reading.report([...at, 'url'], `calls would travel unencrypted; ${advice}`)
  }
  if ((url.protocol === 'http:' || url.protocol === 'ws:') && tls !== undefined) {
    const kind = url.protocol === 'ws:' ? 'a ws://' : 'an http://'
    reading.reportKey([...at, 'tls'], `has no effect on ${kind} URL`)
  }
  if (url.protocol.startsWith('ws') && file.transport !== 'http') {
    reading.report([...at, 'transport'], `has no effect on a ${url.protocol}// URL`)
  }
  return {
    transport: url.protocol.startsWith('ws') ? 'websocket' : file.transport,
    origin: url.origin,
    path: url.pathname + url.search,
    tls,
    connectTimeoutMs,
    headersTimeoutMs,
    totalTimeoutMs,
    idleTimeoutMs,
    maxConnections: file.max_connections,
  }
}

async function readUpstreamTls(
  reading: Reading,
  at: Path,
  { tls }: UpstreamFile,
): Promise<UpstreamTls | undefined> {
  if (tls === undefined) return undefined
  return {
    ca: await readCertificate(reading, [...at, 'ca'], tls.ca),
    cert: await readCertificate(reading, [...at, 'cert'], tls.cert),
    key: await readPrivateKey(reading, [...at, 'key'], tls.key),
    serverName: tls.server_name,
  }
}

function hasNoCallers({ authorization_server: own, issuers, api_keys: keys }: ConfigFile): boolean {
  return own === undefined && issuers.length === 0 && keys.length === 0
}

/** Only while all issuers could be read: a broken one is reported, and is not unknown besides. */
function reportUnknownIssuers(context: ServersContext, name: string, file: ServerFile): void {
  if (!context.reading.isWhole(['issuers'])) return
  const known = context.config.issuers.map(({ issuer }) => issuer)
  const { publicUrl, config } = context
  if (config.authorization_server !== undefined)
    known.push(`${publicUrl.scheme}//${publicUrl.host}`)
  for (const [index, issuer] of (file.issuers ?? []).entries()) {
    if (known.includes(issuer)) continue
    const close = nearest(issuer, known)
    const advice = close === undefined ? 'add it to issuers' : `did you mean "${close}"?`
    context.reading.report(
      ['servers', name, 'issuers', index],
      `unknown issuer "${issuer}"; ${advice}`,
    )
  }
}
