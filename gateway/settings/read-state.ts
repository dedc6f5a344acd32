/** Section `state`: where revocations and other small state are kept. */
import { isLoopback } from '../model/loopback.ts'
import type { Path } from '../model/problem.ts'
import type { ConfigFile, RemoteStateFile } from './config-file.ts'
import type { Reading } from './reading.ts'
import { readCertificate, readPrivateKey } from './read-pem.ts'
import { readSecret } from './secrets.ts'
import type { RemoteState, StateSettings } from './settings.ts'
import { parseDatabaseUrl } from './urls.ts'

/** The SQLite database beside the configuration file, when none is named. */
const DEFAULT_STATE_FILE = 'gatehouse.db'

const REDIS_PORT = 6379
const POSTGRES_PORT = 5432

/** What each driver reads besides `driver`. */
const SECTIONS = { memory: [], sqlite: ['file'], redis: ['redis'], postgres: ['postgres'] } as const

/** The state store; memory where what is written is reported. */
export async function readState(reading: Reading, { state }: ConfigFile): Promise<StateSettings> {
  const { driver } = state
  const read: readonly string[] = SECTIONS[driver]
  for (const name of ['file', 'redis', 'postgres'] as const) {
    if (state[name] === undefined || read.includes(name)) continue
    reading.reportKey(['state', name], `has no effect with driver: ${driver}`)
  }
  switch (driver) {
    case 'memory':
      return { driver }
    case 'sqlite': {
      const file = reading.absolute(state.file ?? DEFAULT_STATE_FILE)
      await reading.warnUnwritable(['state', 'file'], file)
      return { driver, file }
    }
    case 'redis':
      return (await readRedis(reading, state.redis)) ?? { driver: 'memory' }
    case 'postgres':
      return (await readPostgres(reading, state.postgres)) ?? { driver: 'memory' }
  }
}

async function readRedis(
  reading: Reading,
  file: ConfigFile['state']['redis'],
): Promise<StateSettings | undefined> {
  const at: Path = ['state', 'redis']
  if (file === undefined) return missing(reading, 'redis')
  const url = reading.url([...at, 'url'], file.url, (text) =>
    parseDatabaseUrl(text, ['redis:', 'rediss:']),
  )
  if (url !== undefined && url.protocol === 'redis:' && file.tls !== undefined) {
    reading.reportKey([...at, 'tls'], 'has no effect on a redis:// URL; write rediss://')
  }
  const remote = await readRemote(reading, at, { file, url, defaultPort: REDIS_PORT })
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? '')?.[1]
  if (database === undefined) {
    reading.report([...at, 'url'], 'must end with the number of a database, as in /0')
  }
  if (remote === undefined || database === undefined) return undefined
  const tls = url?.protocol === 'rediss:' ? (remote.tls ?? SYSTEM_TLS) : undefined
  return { driver: 'redis', ...remote, tls, database: Number(database), prefix: file.prefix }
}

async function readPostgres(
  reading: Reading,
  file: ConfigFile['state']['postgres'],
): Promise<StateSettings | undefined> {
  const at: Path = ['state', 'postgres']
  if (file === undefined) return missing(reading, 'postgres')
  const url = reading.url([...at, 'url'], file.url, (text) =>
    parseDatabaseUrl(text, ['postgres:', 'postgresql:']),
  )
  const remote = await readRemote(reading, at, { file, url, defaultPort: POSTGRES_PORT })
  const database = /^\/([^/]+)$/.exec(url?.pathname ?? '')?.[1]
  if (url !== undefined && database === undefined) {
    reading.report([...at, 'url'], 'must name a database: postgres://host:5432/gatehouse')
  }
  if (remote === undefined || database === undefined) return undefined
  return {
    driver: 'postgres',
    ...remote,
    database: decodeURIComponent(database),
    schema: file.schema,
  }
}

function missing(reading: Reading, driver: 'redis' | 'postgres'): undefined {
  reading.report(['state', 'driver'], `needs a section ${driver} that says where it is`)
}

/** Trusts what the system trusts and presents nothing. */
const SYSTEM_TLS = { ca: undefined, cert: undefined, key: undefined, serverName: undefined }

async function readRemote(
  reading: Reading,
  at: Path,
  wanted: {
    readonly file: RemoteStateFile
    readonly url: URL | undefined
    readonly defaultPort: number
  },
): Promise<RemoteState | undefined> {
  const { file, url, defaultPort } = wanted
  const { tls } = file
  const read = tls && {
    ca: await readCertificate(reading, [...at, 'tls', 'ca'], tls.ca),
    cert: await readCertificate(reading, [...at, 'tls', 'cert'], tls.cert),
    key: await readPrivateKey(reading, [...at, 'tls', 'key'], tls.key),
    serverName: tls.server_name,
  }
  const password =
    file.password === undefined
      ? undefined
      : await readSecret(reading, [...at, 'password'], file.password)
  if (url === undefined) return undefined
  const isSecure = url.protocol === 'rediss:' || tls !== undefined
  if (!isSecure && !file.allow_unencrypted && !isLoopback(url.hostname)) {
    const way = url.protocol === 'redis:' ? 'write rediss://' : 'add a section tls: {}'
    const advice = `${way}, or set allow_unencrypted: true`
    reading.report([...at, 'url'], `state would travel unencrypted; ${advice}`)
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort : Number(url.port),
    user: file.user,
    password,
    tls: read,
  }
}
