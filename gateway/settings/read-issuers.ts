/** Section `issuers`: whose tokens are accepted, and how they are read. */
import type { Introspection } from '../model/introspection.ts'
import type { Path } from '../model/problem.ts'
import { closeIncludes } from '../model/scope-includes.ts'
import type { ConfigFile } from './config-file.ts'
import type { IssuerFile } from './issuer-file.ts'
import type { Reading } from './reading.ts'
import { readJwks, reportExposed } from './read-jwks.ts'
import { readEndpoint } from './read-exchange.ts'
import type { IssuerSettings } from './settings.ts'

/**
 * How long an active token is taken for active, in milliseconds: streams need time to ask again, and a
 * token that its issuer has revoked must not be good for longer (R-TOK-6).
 */
const MIN_AGE_MS = 5_000
const MAX_AGE_MS = 30_000

/** The issuers the schema has accepted; what else is wrong with them is reported. */
export async function readIssuers(
  reading: Reading,
  config: ConfigFile,
): Promise<readonly IssuerSettings[]> {
  const issuers: IssuerSettings[] = []
  const scopeIncludes = closeIncludes(config.scope_includes)
  for (const [index, file] of config.issuers.entries()) {
    const at: Path = ['issuers', index]
    if (!reading.isSound(at)) continue
    if (issuers.some(({ issuer }) => issuer === file.issuer)) {
      reading.report([...at, 'issuer'], `${file.issuer} is already configured above`)
    }
    const before = config.issuers.slice(0, index)
    if (file.introspection !== undefined && before.some(({ introspection }) => introspection)) {
      const advice = 'a token that says nothing does not say whom to ask'
      reading.reportKey([...at, 'introspection'], `only one issuer can be asked: ${advice}`)
    }
    const issuer = await readIssuer(reading, at, file)
    if (issuer !== undefined) issuers.push({ ...issuer, scopeIncludes })
  }
  return issuers
}

async function readIssuer(
  reading: Reading,
  at: Path,
  file: IssuerFile,
): Promise<Omit<IssuerSettings, 'scopeIncludes'> | undefined> {
  const url = reading.url([...at, 'issuer'], file.issuer)
  if (url !== undefined) {
    // RFC 8414 §2: an issuer has no query and no fragment.
    if (url.search !== '') reading.report([...at, 'issuer'], 'must not contain a query')
    reportExposed(reading, [...at, 'issuer'], { url, inTheClear: file.allow_insecure_http })
  }
  const { jwks: written } = file
  const jwks: IssuerSettings['jwks'] | undefined =
    written === undefined
      ? { kind: 'none' }
      : await readJwks(reading, [...at, 'jwks'], { ...file, jwks: written })
  const introspection = await readIntrospection(reading, [...at, 'introspection'], file)
  if (file.types.includes('*')) {
    reading.warn([...at, 'types'], 'any type of token is accepted, ID tokens too')
  }
  if (jwks === undefined || introspection === 'wrong') return undefined
  return {
    issuer: file.issuer,
    tenant: file.tenant,
    jwks,
    introspection,
    algorithms: file.algorithms,
    types: file.types.map((type) => type.toLowerCase().replace(/^application\//, '')),
    audiences: file.audiences,
    allowManyAudiences: file.allow_many_audiences,
    claims: { ...file.claims, kind: file.claims.kind },
    kind: file.kind,
    clients: new Map(Object.entries(file.clients)),
    interactive: file.interactive,
  }
}

/** Whom to ask about tokens that say nothing themselves. */
async function readIntrospection(
  reading: Reading,
  at: Path,
  { introspection: file, issuer }: IssuerFile,
): Promise<Introspection | undefined | 'wrong'> {
  if (file === undefined) return undefined
  const { url, client } = file
  const endpoint = await readEndpoint(reading, at, {
    url: { key: 'url', value: url },
    client: { key: 'client', value: client },
    issuer,
  })
  const maxAgeMs = reading.duration([...at, 'max_age'], file.max_age)
  if (maxAgeMs < MIN_AGE_MS || maxAgeMs > MAX_AGE_MS) {
    reading.report([...at, 'max_age'], 'must be from 5s to 30s')
  }
  return endpoint === undefined ? 'wrong' : { endpoint, maxAgeMs }
}
