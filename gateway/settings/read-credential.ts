/** `servers.<name>.credential` and its like: what a server gets instead of the caller's token. */
import type { Path } from '../model/problem.ts'
import type { Credential, HeaderTemplate, StaticCredential } from '../model/credential.ts'
import type { ConfigFile } from './config-file.ts'
import type { ConfiguredProviderFile, CredentialFile } from './credential-file.ts'
import type { ServerFile } from './server-file.ts'
import { knownProviders } from './known-providers.ts'
import { readExchange } from './read-exchange.ts'
import type { Reading } from './reading.ts'
import { readSecret } from './secrets.ts'
import { isExposed, parseUpstreamUrl } from './urls.ts'

/** Hop-by-hop (RFC 9110 §7.6.1) or about the connection: never an end-to-end credential. */
const CONNECTION_HEADERS = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/** What forwarding itself writes or passes on; a credential there would be overwritten or break calls. */
const OWN_HEADERS = /^(content-|accept|mcp-|last-event-id$|trace(parent|state)$|baggage$)/

/** How long a token of ours lives: time for one call, and never so long that a leak is worth much. */
const LIFE_SECONDS = { default: 60, min: 10, max: 3_600 }

/** The keys that say something in a mode, besides `mode`, `header`, `as` and `user`. */
const KEYS_OF: Readonly<Record<CredentialFile['mode'], ReadonlySet<string>>> = {
  static: new Set(['value']),
  issue: new Set(['audience', 'scopes', 'life', 'subject']),
  exchange: new Set([
    'flow',
    'token_url',
    'client',
    'audience',
    'resource',
    'scopes',
    'resource_token_url',
    'resource_client',
    'subject_token_type',
    'actor',
  ]),
  vault: new Set(['provider', 'account', 'scopes', 'needed_for']),
}

const PLACE_KEYS: ReadonlySet<string> = new Set(['mode', 'header', 'as', 'user'])

/** The credentials of one server; undefined when something about them is reported. */
export type ServerCredentials = {
  readonly credential: Credential
  readonly toolCredentials: ReadonlyMap<string, Credential> | undefined
  readonly ruleCredentials: ReadonlyMap<string, Credential> | undefined
  readonly fallback: StaticCredential | undefined
}

/** What the credentials of a server are read against. */
type Context = { readonly reading: Reading; readonly config: ConfigFile; readonly file: ServerFile }

/** @param at The path of the server. */
export async function readCredentials(
  context: Context,
  at: Path,
): Promise<ServerCredentials | undefined> {
  const { file } = context
  const credential = await readCredential(context, [...at, 'credential'], file.credential)
  const toolCredentials = await readNamed(context, at, 'tool_credentials')
  const ruleCredentials = await readNamed(context, at, 'credentials')
  const fallback = await readFallback(context, [...at, 'fallback_credential'])
  if (credential === undefined || fallback === 'wrong') return undefined
  return { credential, toolCredentials, ruleCredentials, fallback }
}

/** Further credentials of the server by name; undefined for none. */
async function readNamed(
  context: Context,
  at: Path,
  key: 'tool_credentials' | 'credentials',
): Promise<ReadonlyMap<string, Credential> | undefined> {
  const { reading, file } = context
  const named = new Map<string, Credential>()
  for (const [name, written] of Object.entries(file[key])) {
    const own = await readCredential(context, [...at, key, name], written)
    if (own !== undefined) named.set(name, own)
  }
  if (named.size > 0 && isSocket(file)) {
    const advice = 'a connection has one credential for all'
    reading.reportKey([...at, key], `not with this transport: ${advice}`)
  }
  return named.size === 0 ? undefined : named
}

async function readFallback(
  context: Context,
  at: Path,
): Promise<StaticCredential | undefined | 'wrong'> {
  const { reading, file } = context
  if (file.fallback_credential === undefined) return undefined
  const read = await readCredential(context, at, file.fallback_credential)
  if (read === undefined) return 'wrong'
  const all = [file.credential, ...Object.values(file.tool_credentials)]
  if (read.kind !== 'static') reading.reportKey(at, 'must be static: a header and its value')
  else if (!all.some((one) => one !== 'none' && one.mode !== 'static')) {
    reading.reportKey(at, 'has no effect: every credential here is there for every caller')
  }
  return read.kind === 'static' ? read : 'wrong'
}

/** Both keep one connection or stream for a caller, which a credential must not outlive. */
function isSocket({ upstream }: ServerFile): boolean {
  return /^wss?:/.test(upstream.url) || upstream.transport === 'sse'
}

async function readCredential(
  context: Context,
  at: Path,
  written: 'none' | CredentialFile,
): Promise<Credential | undefined> {
  const { reading, file } = context
  if (typeof written === 'string') return { kind: 'none' }
  if (file.anonymous) {
    const advice = 'anybody could use it; remove one of the two'
    reading.reportKey(at, `a credential together with anonymous: ${advice}`)
  }
  checkHeader(reading, at, written)
  for (const key of Object.keys(written)) {
    if (PLACE_KEYS.has(key) || KEYS_OF[written.mode].has(key)) continue
    reading.reportKey([...at, key], `says nothing with mode: ${written.mode}`)
  }
  const url = parseUpstreamUrl(file.upstream.url)
  if (url.ok && isExposed(url.url)) reading.warn(at, 'the credential travels unencrypted')
  if (written.mode !== 'static' && isSocket(file)) {
    const advice = 'a stream or WebSocket outlives such tokens'
    reading.report([...at, 'mode'], `only static works with this transport: ${advice}`)
  }
  switch (written.mode) {
    case 'static':
      return await readStatic(reading, at, written)
    case 'issue':
      return readIssue(context, at, written)
    case 'vault':
      return readVault(context, at, written)
    case 'exchange':
      if (written.flow === 'jwt_bearer') refuseManyIssuers(context, [...at, 'flow'])
      if (written.actor === 'signed') refuseManyIssuers(context, [...at, 'actor'])
      return await readExchange(reading, at, { written, place: readPlace(reading, at, written) })
  }
}

function checkHeader(reading: Reading, at: Path, written: CredentialFile): void {
  const header = written.header.toLowerCase()
  if (CONNECTION_HEADERS.has(header) || OWN_HEADERS.test(header)) {
    reading.report([...at, 'header'], `${written.header} cannot carry a credential`)
  }
}

async function readStatic(
  reading: Reading,
  at: Path,
  written: CredentialFile,
): Promise<StaticCredential | undefined> {
  for (const key of ['as', 'user'] as const) {
    if (written[key] === undefined) continue
    reading.reportKey([...at, key], 'says nothing with mode: static; write it into value')
  }
  if (written.value === undefined) {
    reading.report(at, '"value" is missing')
    return undefined
  }
  const value = await readSecret(reading, [...at, 'value'], written.value)
  if (value === undefined) return undefined
  // RFC 9110 §5.5: visible ASCII, with blanks inside only.
  if (!/^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/.test(value.reveal())) {
    reading.report([...at, 'value'], 'has characters that a header cannot hold (a line break?)')
  }
  return { kind: 'static', header: written.header, value }
}

/** Where a subject is said without its issuer, two issuers may mean two people by it. */
function refuseManyIssuers({ reading, config, file }: Context, at: Path): void {
  const trusted = file.issuers?.length ?? config.issuers.length
  if (trusted + Math.min(config.api_keys.length, 1) <= 1) return
  const advice = 'the same subject could be two people; trust one issuer here'
  reading.report(at, `says the subject alone, and more than one issuer is trusted: ${advice}`)
}

function readIssue(context: Context, at: Path, written: CredentialFile): Credential {
  const { reading, file } = context
  const lifeMs =
    written.life === undefined
      ? LIFE_SECONDS.default * 1_000
      : reading.duration([...at, 'life'], written.life)
  const lifeSeconds = Math.floor(lifeMs / 1_000)
  if (lifeSeconds < LIFE_SECONDS.min || lifeSeconds > LIFE_SECONDS.max) {
    reading.report([...at, 'life'], 'must be between 10s and 1h')
  }
  if (written.subject === 'plain') refuseManyIssuers(context, [...at, 'subject'])
  return {
    kind: 'issue',
    place: readPlace(reading, at, written),
    audience: written.audience ?? file.upstream.url,
    scopes: written.scopes ?? [],
    lifeSeconds,
    subject: written.subject ?? 'qualified',
  }
}

function readVault(
  { reading, config, file }: Context,
  at: Path,
  written: CredentialFile,
): Credential | undefined {
  const { provider: name, account = 'default' } = written
  const provider = name === undefined ? undefined : config.providers[name]
  if (name === undefined || provider === undefined) {
    const known = Object.keys(config.providers)
    const advice = known.length === 0 ? 'name one under providers' : `known: ${known.join(', ')}`
    if (name === undefined) reading.report(at, '"provider" is missing')
    else reading.report([...at, 'provider'], `unknown provider "${name}"; ${advice}`)
    return undefined
  }
  if (config.keys?.file === undefined && (reading.env['GATEHOUSE_KEYS'] ?? '') === '') {
    const advice = '"gatehouse keys new" prints one for GATEHOUSE_KEYS or keys.file'
    const why = 'vault needs a key ring, or connections end with the process'
    reading.report([...at, 'mode'], `${why}; ${advice}`)
  }
  if (config.authorization_server === undefined) {
    const why = 'people connect accounts on pages where they sign in'
    reading.report([...at, 'mode'], `vault needs authorization_server: ${why}`)
  }
  const { discover } = provider
  if (discover !== undefined && !isAt(file, discover)) {
    const why = `its tokens are for ${discover}, and this server is elsewhere`
    reading.report([...at, 'provider'], `"${name}" is discovered: ${why}`)
  }
  const { scopes = [], needed_for: neededFor = discover === undefined ? 'calls' : 'everything' } =
    written
  const place = placeAt(written, name, provider)
  return { kind: 'vault', place, provider: name, scopes, account, neededFor }
}

/** Whether an upstream is the server that a provider was discovered from. */
function isAt({ upstream }: ServerFile, discover: string): boolean {
  return URL.parse(upstream.url)?.href === URL.parse(discover)?.href
}

/** The provider's way, where the credential does not say another. */
function placeAt(
  written: CredentialFile,
  name: string,
  provider: ConfiguredProviderFile,
): HeaderTemplate {
  const known = provider.discover ? {} : { ...knownProviders().get(name), ...provider }
  const isOwn = written.as !== undefined || written.header !== 'Authorization'
  const { header = 'Authorization', as, user } = isOwn ? written : known
  const fallback = header.toLowerCase() === 'authorization' ? 'bearer' : 'plain'
  return { header, as: as ?? fallback, user: user ?? '' }
}

function readPlace(reading: Reading, at: Path, written: CredentialFile): HeaderTemplate {
  const { header } = written
  const as = written.as ?? (header.toLowerCase() === 'authorization' ? 'bearer' : 'plain')
  if (as === 'basic' && written.user === undefined) {
    reading.reportKey([...at, 'as'], 'basic needs a user')
  }
  if (as !== 'basic' && written.user !== undefined) {
    reading.reportKey([...at, 'user'], `says nothing with as: ${as}`)
  }
  return { header, as, user: written.user ?? '' }
}
