/** Sections `listen`, `ops`, `trusted_proxies`, `allowed_origins`: who may connect to what. */
import { isIP, isIPv4 } from 'node:net'
import type { Path } from '../model/problem.ts'
import type { ConfigFile } from './config-file.ts'
import type { PublicUrl } from './public-url.ts'
import { readCertificate, readPrivateKey } from './read-pem.ts'
import type { Reading } from './reading.ts'
import { readSecret } from './secrets.ts'
import type { Listen, ListenTls, Ops } from './settings.ts'
import { isLoopback } from '../model/loopback.ts'
import { parseHttpUrl } from './urls.ts'

/** 256 bit in base64url. Shorter could still be strong, but nobody can tell by looking. */
const MIN_ADMIN_TOKEN_CHARS = 43

/** The clients' port. */
export async function readListen(context: {
  readonly reading: Reading
  readonly config: ConfigFile
  readonly publicUrl: PublicUrl
}): Promise<Listen> {
  const { reading, config, publicUrl } = context
  const { listen } = config
  const tls = await readListenTls(reading, config)
  if (!isLoopback(listen.host) && tls === undefined && publicUrl.scheme === 'http:') {
    const advice = 'set listen.tls, or an https:// public_url if a proxy in front ends TLS'
    reading.warn(['public_url'], `tokens travel unencrypted; ${advice}`)
  }
  return {
    host: listen.host,
    port: listen.port,
    tls,
    front: listen.front,
    maxConnections: listen.max_connections,
    drainSeconds: Math.ceil(reading.duration(['listen', 'drain'], listen.drain) / 1000),
    maxInFlightPerCaller: listen.max_in_flight_per_caller,
    maxStreamsPerCaller: listen.max_streams_per_caller,
  }
}

/** Paths only: the files are read again whenever they change, and whoever listens reads them. */
async function readListenTls(
  reading: Reading,
  { listen: { tls } }: ConfigFile,
): Promise<ListenTls | undefined> {
  if (tls === undefined) return undefined
  const at: Path = ['listen', 'tls']
  const cert = await readCertificate(reading, [...at, 'cert'], tls.cert)
  const key = await readPrivateKey(reading, [...at, 'key'], tls.key)
  const clientCa = await readCertificate(reading, [...at, 'client_ca'], tls.client_ca)
  return cert === undefined || key === undefined ? undefined : { cert, key, clientCa }
}

/** The operators' port. */
export async function readOps(reading: Reading, { ops, listen }: ConfigFile): Promise<Ops> {
  const at: Path = ['ops', 'admin_token']
  if (ops.port !== 0 && ops.port === listen.port) {
    reading.report(['ops', 'port'], "must not be the clients' port (listen.port)")
  }
  const adminToken =
    ops.admin_token === undefined ? undefined : await readSecret(reading, at, ops.admin_token)
  if (adminToken !== undefined && !isStrongToken(adminToken.reveal())) {
    const advice = 'openssl rand -base64 32 makes one'
    reading.report(at, `too weak: at least ${MIN_ADMIN_TOKEN_CHARS} random characters; ${advice}`)
  }
  if (adminToken !== undefined && !isLoopback(ops.host)) {
    reading.warn(['ops', 'host'], 'the admin token travels unencrypted to this address')
  }
  return { host: ops.host, port: ops.port, adminToken }
}

/** A bearer token (RFC 6750 §2.1) that is long enough and not one character over and over. */
function isStrongToken(token: string): boolean {
  const isToken = /^[A-Za-z0-9._~+/-]+=*$/.test(token)
  return isToken && token.length >= MIN_ADMIN_TOKEN_CHARS && new Set(token).size >= MIN_DISTINCT
}

/** Different characters in 43 random ones: 64 hex digits, the smallest alphabet in use, have 14 to 16. */
const MIN_DISTINCT = 10

/** Addresses and CIDR blocks; a block that covers everything is refused. */
export function readTrustedProxies(reading: Reading, config: ConfigFile): readonly string[] {
  if (!reading.isSound(['trusted_proxies'])) return []
  for (const [index, text] of config.trusted_proxies.entries()) {
    const [address = '', bits, ...rest] = text.split('/')
    const maxBits = isIPv4(address) ? 32 : 128
    const isBlock = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= maxBits)
    if (isIP(address) === 0 || !isBlock || rest.length > 0) {
      reading.report(['trusted_proxies', index], 'must be an address or CIDR block: 10.0.0.0/8')
    } else if (Number(bits ?? maxBits) === 0) {
      reading.report(['trusted_proxies', index], 'trusts everybody: name your proxies')
    }
  }
  return config.trusted_proxies
}

/** Exact web origins (RFC 6454 §6.2); neither `*` nor `null`. */
export function readAllowedOrigins(reading: Reading, config: ConfigFile): readonly string[] {
  if (!reading.isSound(['allowed_origins'])) return []
  for (const [index, text] of config.allowed_origins.entries()) {
    const result = parseHttpUrl(text)
    if (result.ok && result.url.origin === text) continue
    const advice = result.ok ? `write ${result.url.origin}` : 'for example https://app.example.com'
    reading.report(['allowed_origins', index], `must be one exact origin; ${advice}`)
  }
  return config.allowed_origins
}
