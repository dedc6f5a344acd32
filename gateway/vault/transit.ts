/**
 * Keys of rows sealed by a key service, in the transit API of HashiCorp Vault and OpenBao. The key that seals
 * never leaves the service; what it opens is kept here for some minutes, so that calls do not wait for it.
 */
import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import type { Emit } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import type { TransitKey } from '../model/transit-key.ts'
import type { KeyWrap, WrappedKey } from './key-wrap.ts'

/** Row keys kept open; the one that was opened longest ago is asked for again. */
const MAX_KEPT = 10_000

/** A service that did not answer, or not well, is not asked again so soon: calls do not queue up before it. */
const PAUSE_MS = 1_000

const KEY_BYTES = 32

/** What the service writes: its name, the version of the key, and base64. */
const CIPHERTEXT = /^vault:v(\d{1,9}):[A-Za-z0-9+/]+={0,2}$/

type Operation = 'encrypt' | 'decrypt'

export type TransitOptions = {
  readonly key: TransitKey
  readonly fetch: OAuthFetch
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

export function createTransitWrap(options: TransitOptions): KeyWrap {
  const { emit, now } = options
  const { cacheMs, derived, mount, name } = options.key
  const kid = `transit/${mount}/${name}`
  const kept = new Map<string, { readonly key: Buffer; readonly untilMs: number }>()
  const ask = createAsk(options)

  const binding = (place: Buffer) => ({
    [derived ? 'context' : 'associated_data']: place.toString('base64'),
  })
  const keep = (dek: string, place: Buffer, key: Buffer): void => {
    kept.delete(slotOf(dek, place))
    kept.set(slotOf(dek, place), { key, untilMs: now() + cacheMs })
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
  }
  const encrypted = async (key: Buffer, place: Buffer): Promise<string> =>
    ciphertextOf(await ask('encrypt', { plaintext: key.toString('base64'), ...binding(place) }))
  const decrypted = async (dek: string, place: Buffer): Promise<Buffer | undefined> => {
    const data = await ask('decrypt', { ciphertext: dek, ...binding(place) })
    return data && keyOf(data)
  }
  /** What will be all there is of a key has to open to it first: a bad answer would cost the row. */
  const proven = async (dek: string, key: Buffer, place: Buffer): Promise<WrappedKey> => {
    if ((await decrypted(dek, place))?.equals(key) !== true) {
      const why = 'what it sealed does not open to the same key'
      emit({ type: 'key_service', operation: 'decrypt', ok: false, detail: why })
      throw refusal(why)
    }
    keep(dek, place, key)
    return { kid, dek }
  }
  return {
    owns: (id) => id === kid,
    opensForGood: false,
    wrap: async (key, place) => await proven(await encrypted(key, place), key, place),
    async unwrap({ dek }, place) {
      const known = kept.get(slotOf(dek, place))
      if (known !== undefined && now() < known.untilMs) return known.key
      const key = await decrypted(dek, place)
      if (key !== undefined) keep(dek, place, key)
      return key
    },
    async rewrap(wrapped, key, place) {
      const dek = await encrypted(key, place)
      return versionOf(dek) === versionOf(wrapped.dek) ? wrapped : await proven(dek, key, place)
    },
  }
}

function slotOf(dek: string, place: Buffer): string {
  return `${dek} ${place.toString()}`
}

type Data = Readonly<Record<string, unknown>>

/** One request. Undefined: the service says that what was sent was not sealed with this key for this place. */
type Ask = (operation: Operation, body: Data) => Promise<Data | undefined>

function createAsk({ key, fetch, now, emit }: TransitOptions): Ask {
  const { mount, name, namespace, token, url } = key
  let failed = { why: '', untilMs: 0 }
  const pause = (why: string): void => void (failed = { why, untilMs: now() + PAUSE_MS })
  const fail = (operation: Operation, why: string): never => {
    emit({ type: 'key_service', operation, ok: false, detail: why })
    throw refusal(why)
  }
  return async (operation, body) => {
    if (now() < failed.untilMs) throw refusal(failed.why)
    const request = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-vault-token': token.reveal(),
        'x-vault-request': 'true',
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify(body),
    }
    const path = `${mount}/${operation}/${name}`
    const answer = await fetch(`${url}/v1/${path}`, request).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : 'no answer'
      pause(why)
      return fail(operation, why)
    })
    const read = await readObject(answer)
    const { data } = read
    if (answer.status === 200 && isRecord(data)) {
      emit({ type: 'key_service', operation, ok: true })
      return data
    }
    const said = wordsOf(read)
    if (answer.status === 400 && operation !== 'encrypt' && FOREIGN.test(said)) {
      emit({ type: 'key_service', operation, ok: true })
      return undefined
    }
    const why = whyNot(answer.status, said, { path, name })
    // What is wrong with one row, such as a version below the lowest, must not keep others waiting.
    if (answer.status !== 400) pause(why)
    return fail(operation, why)
  }
}

/** What the service says of a ciphertext that is not of this key, or not for this place. */
const FOREIGN = /message authentication failed|invalid ciphertext(?!: version)/i

function refusal(why: string): Refusal {
  return new Refusal('credential_unavailable', { detail: `key service: ${why}` })
}

/** For operators, in words of ours: what the service says is matched and not repeated. */
function whyNot(
  status: number,
  said: string,
  { path, name }: { path: string; name: string },
): string {
  const why = `status ${status} for ${path}`
  if (status === 403) return `${why}: the token has ended, or no policy of it allows update there`
  if (status === 307) return `${why}: a standby; name the active node, or what leads to it`
  if (status === 404) return `${why}: no transit engine is mounted there`
  if (status === 503) return `${why}: the service is sealed`
  if (/key not found/i.test(said)) return `${why}: there is no key ${name}`
  if (/context/i.test(said)) return `${why}: the key is derived; write derived: true`
  if (/associated.data|not support/i.test(said))
    return `${why}: this type of key cannot bind what it seals`
  if (/too old|disallowed by policy/i.test(said)) return `${why}: below min_decryption_version`
  return why
}

function wordsOf({ errors }: Data): string {
  return Array.isArray(errors) ? errors.filter((one) => typeof one === 'string').join('; ') : ''
}

function ciphertextOf(data: Data | undefined): string {
  const text = data?.['ciphertext']
  if (typeof text === 'string' && CIPHERTEXT.test(text)) return text
  throw refusal('the answer holds no ciphertext')
}

function versionOf(ciphertext: string): string | undefined {
  return CIPHERTEXT.exec(ciphertext)?.[1]
}

function keyOf({ plaintext }: Data): Buffer | undefined {
  const key = typeof plaintext === 'string' ? Buffer.from(plaintext, 'base64') : undefined
  return key?.length === KEY_BYTES ? key : undefined
}

async function readObject(answer: Response): Promise<Data> {
  const body: unknown = await answer.json().catch(() => undefined)
  return isRecord(body) ? body : {}
}

function isRecord(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
