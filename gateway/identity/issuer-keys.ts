/**
 * The keys of one issuer, kept fresh without timers: whoever needs them after their time makes the
 * fetch, or takes what another has had fetched since. One fetch at a time, and none within 30 s of the last,
 * successful or not, so that neither made-up key ids nor an issuer that is down cause more.
 */
import type { Emit } from '../model/event.ts'
import { messageOf } from '../model/message-of.ts'
import type { KeySet } from '../oauth/key-set.ts'
import { keepsEveryKey, readKeySet } from '../oauth/key-set.ts'
import { createBoundedMap } from './bounded-map.ts'
import type { FetchedKeys, FetchKeys } from './key-documents.ts'
import { MIN_INTERVAL_MS } from './key-documents.ts'
import type { KeySource } from './trust.ts'

export type IssuerKeys = {
  /** Grows whenever a key is withdrawn: what was verified before may have been signed with it. */
  readonly generation: number
  /**
   * Returns the keys, at once when they are fresh and know this key id; else after the fetch that is
   * due. Undefined when there are none to be had. Never throws or rejects.
   */
  keysFor(keyId: string | undefined): KeySet | undefined | Promise<KeySet | undefined>
  /** Fetches when there are no keys or they are due. Never rejects. */
  refresh(): Promise<void>
  /** Makes the keys due now, because their source may have changed. */
  expire(): void
}

/** How keys are loaded, whoever they belong to. */
export type KeyLoading = {
  readonly fetchKeys: FetchKeys
  readonly readFile: (file: string) => Promise<string>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

export type IssuerKeysOptions = KeyLoading & {
  readonly issuer: string
  readonly source: KeySource | { readonly kind: 'none' }
}

/** Keys younger than this are used as they are: a withdrawn key is gone after it. */
export const MAX_AGE_MS = 10 * 60_000

/** From this age on a use starts a fetch in the background, so that nobody waits at `MAX_AGE_MS`. */
export const REFRESH_AGE_MS = 8 * 60_000

/** How long beyond `MAX_AGE_MS` the last good keys serve while no new ones can be had. */
export const MAX_STALE_MS = 60 * 60_000

/** A key id that a fetch did not bring is not looked for again for this long. */
export const ABSENT_MS = 2 * 60_000

/** Absent key ids remembered, at most 256 characters each. */
const MAX_ABSENT_KEY_IDS = 1_000

/**
 * Returns the keys of one issuer; nothing is fetched yet.
 *
 * @throws {Error} when keys written in the configuration hold none that can verify.
 */
export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { issuer, source } = options
  if (source.kind === 'none') return fixed(undefined)
  if (source.kind !== 'inline') return createLoadedKeys({ ...options, source })
  const keys = readKeySet({ keys: source.keys })
  if (keys === undefined) {
    throw new Error(`issuer ${issuer}: jwks.keys holds no public key that can verify signatures`)
  }
  return fixed(keys)
}

function fixed(keys: KeySet | undefined): IssuerKeys {
  return { generation: 0, keysFor: () => keys, refresh: async () => {}, expire: () => {} }
}

type LoadedOptions = KeyLoading & { readonly issuer: string; readonly source: KeySource }

type Held = { readonly keys: KeySet; readonly loadedAtMs: number }

function createLoadedKeys({ now, ...options }: LoadedOptions): IssuerKeys {
  const absent = createBoundedMap<number>(MAX_ABSENT_KEY_IDS)
  let held: Held | undefined
  let generation = 0
  let attemptedAtMs = -Infinity
  let loading: Promise<boolean> | undefined

  const ageMs = () => (held === undefined ? Infinity : Math.max(0, now() - held.loadedAtMs))
  const usable = () => (ageMs() < MAX_AGE_MS + MAX_STALE_MS ? held?.keys : undefined)
  const isSettled = (keyId: string | undefined) =>
    keyId === undefined ||
    held?.keys.some((key) => key.keyId === keyId) === true ||
    now() < (absent.get(keyId) ?? 0)

  const load = async (askedAtMs: number, newerThanMs: number) => {
    const { startedMs, keys } = await loadKeys({ now, newerThanMs, ...options })
    loading = undefined
    // Whoever had it fetched, the interval is counted from then; unless the keys were expired meanwhile.
    if (attemptedAtMs === askedAtMs) attemptedAtMs = startedMs
    if (keys === undefined) return false
    if (held !== undefined && !keepsEveryKey(held.keys, keys)) generation += 1
    held = { keys, loadedAtMs: startedMs }
    return true
  }
  /** Joins the fetch under way or starts one; undefined when none may be started yet. */
  const loadIfAllowed = () => {
    const nowMs = now()
    const sinceMs = nowMs - attemptedAtMs
    // A clock that was set back must not put off the next fetch for as long as it went back.
    if (loading === undefined && (sinceMs >= MIN_INTERVAL_MS || sinceMs < 0)) {
      const newerThanMs = Math.max(attemptedAtMs, nowMs - REFRESH_AGE_MS)
      attemptedAtMs = nowMs
      loading = load(nowMs, newerThanMs)
    }
    return loading
  }
  /** Ends the search for a key id that a fetch was made for. */
  const afterLoading = async (keyId: string | undefined, askedAtMs: number, loaded: boolean) => {
    const isMissing = () => held === undefined || !isSettled(keyId)
    const isOlder = () => attemptedAtMs < askedAtMs
    // What another had fetched a while ago may lack what the issuer has by now.
    const found = isMissing() && isOlder() ? await loadIfAllowed() : loaded
    if (found === true && keyId !== undefined && isMissing() && !isOlder()) {
      absent.set(keyId, now() + ABSENT_MS)
    }
    return usable()
  }

  return {
    get generation() {
      return generation
    },
    keysFor: (keyId) => {
      if (ageMs() < MAX_AGE_MS && isSettled(keyId)) {
        if (ageMs() >= REFRESH_AGE_MS) void loadIfAllowed()
        return held?.keys
      }
      const askedAtMs = now()
      const fetched = loadIfAllowed()
      if (fetched === undefined) return usable()
      return fetched.then((loaded) => afterLoading(keyId, askedAtMs, loaded))
    },
    refresh: async () => {
      if (ageMs() >= REFRESH_AGE_MS) await loadIfAllowed()
    },
    expire: () => {
      attemptedAtMs = -Infinity
      if (held === undefined) return
      held = { ...held, loadedAtMs: Math.min(held.loadedAtMs, now() - MAX_AGE_MS) }
    },
  }
}

type Wanted = LoadedOptions & { readonly newerThanMs: number }

type Loaded = { readonly startedMs: number; readonly keys: KeySet | undefined }

/** Without keys for whatever goes wrong; says how it went. */
async function loadKeys(wanted: Wanted): Promise<Loaded> {
  const { issuer, emit } = wanted
  const { startedMs, shared, ...outcome } = await readSource(wanted)
  const said = { type: 'jwks_fetched', issuer, ...(shared && { shared }) } as const
  try {
    if (!outcome.ok) throw new Error(outcome.why)
    const keys = readKeySet(outcome.document)
    if (keys === undefined) throw new Error('no public key that can verify signatures in it')
    emit({ ...said, ok: true })
    return { startedMs, keys }
  } catch (error) {
    emit({ ...said, ok: false, detail: messageOf(error) })
    return { startedMs, keys: undefined }
  }
}

async function readSource({ source, newerThanMs, ...from }: Wanted): Promise<FetchedKeys> {
  if (source.kind === 'url') return await from.fetchKeys(source.url, newerThanMs)
  const own = { startedMs: from.now(), shared: false }
  try {
    return { ...own, ok: true, document: await readHere(source, from.readFile) }
  } catch (error) {
    return { ...own, ok: false, why: messageOf(error) }
  }
}

async function readHere(
  source: Exclude<KeySource, { kind: 'url' }>,
  readFile: KeyLoading['readFile'],
): Promise<unknown> {
  switch (source.kind) {
    case 'file':
      return parse(await readFile(source.file))
    case 'inline':
      return { keys: source.keys }
    case 'own':
      return source.read()
  }
}

/** Without the text that `JSON.parse` quotes: a wrong path could point at a secret. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the key file is not JSON')
  }
}
