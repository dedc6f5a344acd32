/** `authorization_server.sign_in`: the identity providers people sign in with. */
import { isLoopback } from '../model/loopback.ts'
import type { Path } from '../model/problem.ts'
import type { AuthorizationServerFile, SignInFile } from './authorization-server-file.ts'
import { readSigned } from './read-signed.ts'
import type { Reading } from './reading.ts'
import { readSecret } from './secrets.ts'
import type { AssertionRules, SignInProvider } from '../model/authorization-rules.ts'

/** Parameters that belong to the gateway: another value would undo what they are for. */
const OWN_PARAMETERS = /^(client_|code|nonce|redirect_uri|request|response_|scope|state)/

/** What an identity provider says of a person is for a client that asks at once, in milliseconds. */
const MAX_ASSERTION_LIFE_MS = 60 * 60_000

/** The providers by name; what is wrong with one is reported. */
export async function readSignIn(
  reading: Reading,
  at: Path,
  file: AuthorizationServerFile,
): Promise<ReadonlyMap<string, SignInProvider>> {
  const providers = new Map<string, SignInProvider>()
  for (const [name, provider] of Object.entries(file.sign_in)) {
    const here = [...at, 'sign_in', name]
    const isTaken = [...providers.values()].some(
      (other) => other.assertions !== undefined && other.issuer === provider.issuer,
    )
    if (isTaken && provider.identity_assertions !== undefined) {
      reading.reportKey([...here, 'identity_assertions'], 'another one of this issuer takes them')
    }
    const trusted = provider.identity_assertions?.client_hosts ?? []
    if (trusted.length > 0 && file.client_documents.mode === 'off') {
      const none = 'no client is described anywhere: client_documents.mode is off'
      reading.report([...here, 'identity_assertions', 'client_hosts'], none)
    }
    const read = await readProvider(reading, here, { name, file: provider })
    if (read !== undefined) providers.set(name, read)
  }
  return providers
}

async function readProvider(
  reading: Reading,
  at: Path,
  { name, file }: { readonly name: string; readonly file: SignInFile },
): Promise<SignInProvider | undefined> {
  const url = reading.url([...at, 'issuer'], file.issuer)
  if (url?.protocol === 'http:' && !isLoopback(url.hostname)) {
    reading.report([...at, 'issuer'], 'must be https: it says who people are')
  }
  if (name === 'local') reading.reportKey(at, 'local is the name of the users of this gateway')
  if (!file.scopes.includes('openid')) reading.report([...at, 'scopes'], 'must hold openid')
  for (const parameter of Object.keys(file.parameters)) {
    if (!OWN_PARAMETERS.test(parameter)) continue
    reading.report([...at, 'parameters', parameter], 'is set by the gateway')
  }
  const secret = await readSecret(reading, [...at, 'client_secret'], file.client_secret)
  const assertions = await readAssertions(reading, [...at, 'identity_assertions'], file)
  if (url === undefined || secret === undefined) return undefined
  return {
    name,
    title: file.title ?? name,
    issuer: file.issuer,
    clientId: file.client_id,
    secret,
    clientAuth: file.client_auth,
    scopes: file.scopes,
    parameters: new Map(Object.entries(file.parameters)),
    claims: file.claims,
    required: new Map(Object.entries(file.required)),
    groupScopes:
      file.group_scopes === undefined ? undefined : new Map(Object.entries(file.group_scopes)),
    assertions,
  }
}

async function readAssertions(
  reading: Reading,
  at: Path,
  { identity_assertions: file }: SignInFile,
): Promise<AssertionRules | undefined> {
  if (file === undefined) return undefined
  const signed = await readSigned(reading, at, { file, mostMs: MAX_ASSERTION_LIFE_MS })
  return signed && { ...signed, clientHosts: file.client_hosts.map((host) => host.toLowerCase()) }
}
