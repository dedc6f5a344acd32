/** People with accounts at a provider, as a gateway on SQLite knows them, and their browsers. */
import assert from 'node:assert/strict'
import { join } from 'node:path'

import { signJwt } from '../oauth/sign-jwt.ts'
import { openSigningKeys } from '../oauth/signing-keys.ts'
import { SESSION_COOKIE } from '../pages/cookies.ts'
import { createSeals } from '../seal/seal.ts'
import { createSessions, type SignedIn } from '../sessions/sessions.ts'
import { openSqliteStore } from '../state/sqlite.ts'
import { createRobot, type Robot } from './browser-robot.ts'
import type { TestGatehouse } from './gatehouse.ts'
import type { Reply } from './rpc.ts'

export type People = {
  /** A token as the gateway gives it to an agent of this person, signed with its own keys. */
  tokenOf(subject: string, server: string): Promise<string>
  /** A browser in which this person is signed in at the gateway and at the provider. */
  browserOf(subject: string): Promise<Robot>
}

export type PeopleOptions = {
  readonly gateway: TestGatehouse
  /** Origin of the provider. */
  readonly provider: string
  /** The key ring of the gateway. */
  readonly ring: Parameters<typeof createSeals>[0]
  /** Name of its state file, in its directory. */
  readonly stateFile: string
}

export function createPeople({ gateway, provider, ring, stateFile }: PeopleOptions): People {
  const file = join(gateway.directory, stateFile)
  async function tokenOf(subject: string, server: string): Promise<string> {
    const { current } = await ownKeys()
    const iat = Math.floor(Date.now() / 1_000)
    const claims = { iss: gateway.origin, aud: gateway.url(server), sub: subject, client_id: 'bot' }
    const life = { iat, exp: iat + 300, jti: crypto.randomUUID(), 'urn:gw:kind': 'agent' }
    return signJwt({ ...claims, ...life }, current(), 'at+jwt')
  }

  let keys: ReturnType<typeof openSigningKeys> | undefined

  async function ownKeys() {
    keys ??= (async () => {
      const store = await openSqliteStore({ file, now: Date.now })
      const seals = createSeals(ring)
      const opened = await openSigningKeys({
        store,
        seal: (text) => seals.seal('signing-key', [], text),
        open: (sealed) => seals.open('signing-key', [], sealed),
        isLasting: true,
        now: Date.now,
      })
      await store.close()
      return opened
    })()
    return await keys
  }

  async function browserOf(subject: string): Promise<Robot> {
    const robot = createRobot()
    const store = await openSqliteStore({ file, now: Date.now })
    const who: SignedIn = {
      tenant: 'default',
      issuer: gateway.origin,
      subject,
      name: subject,
      client: '',
      kind: 'human',
      groups: [],
      methods: ['pwd'],
    }
    const { value } = await createSessions({ store, now: Date.now }).open(who)
    await store.close()
    robot.setCookie(gateway.origin, SESSION_COOKIE, value)
    robot.setCookie(provider, 'user', subject)
    return robot
  }

  return { tokenOf, browserOf }
}

/** The link to connect in an answer, in whatever words. */
export function linkIn({ text }: Reply): string {
  const link = /http:\/\/[^"\s]+\/connect\/acme\?ticket=[\w-]+/.exec(text)?.[0]
  assert.ok(link, text)
  return link
}

/** Where the provider would send this browser back to, not opened. */
export async function codeUrl(
  robot: Robot,
  offer: Awaited<ReturnType<Robot['open']>>,
): Promise<string> {
  const real = globalThis.fetch
  let url = ''
  globalThis.fetch = async (input, init) => {
    const address = input instanceof URL ? input.href : new Request(input).url
    if (!address.includes('/callback')) return await real(input, init)
    url = address
    return new Response('stopped here')
  }
  try {
    await robot.submit(offer)
  } finally {
    globalThis.fetch = real
  }
  assert.match(url, /code=/)
  return url
}
