/**
 * Who is signed in, in which browser. The browser holds a random value in a cookie; the store holds its
 * hash and what is known of the person, so that nobody who reads the store can be anybody. A session
 * has a public id of its own (`sid`), which tokens carry and revocations name.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

import type { CallerKind } from '../model/caller.ts'
import type { Store } from '../model/store.ts'

/** Who signed in, and how: what the way of signing in established. */
export type SignedIn = {
  readonly tenant: string
  /** With `subject` the key of the identity. */
  readonly issuer: string
  readonly subject: string
  /** For people to read. */
  readonly name: string
  /** The e-mail address that their identity provider says they have; never a key of anything. */
  readonly address?: string | undefined
  readonly kind: CallerKind
  readonly groups: readonly string[]
  /** The OAuth client or API key client it acts as; empty for a person at a page of ours. */
  readonly client: string
  /** RFC 8176 words such as `pwd`, `mfa`. */
  readonly methods: readonly string[]
  /** The authentication context class, where an identity provider said one. */
  readonly contextClass?: string | undefined
  /**
   * When the person last proved who they are, in epoch seconds, where that was at an identity provider; 0 where
   * it did not say. Absent where it was here, when the session began.
   */
  readonly authenticatedAtSeconds?: number | undefined
  /** The credential it was begun with, as revocations name it; undefined for a password or elsewhere. */
  readonly credential?: string | undefined
  /** The session at an identity provider that it came of, where that named one. */
  readonly source?: SourceSession | undefined
}

/** A session somewhere else: the provider by its name here, and its `sid` there. */
export type SourceSession = { readonly provider: string; readonly id: string }

export type Session = SignedIn & {
  /** Public id, for tokens and revocations. */
  readonly id: string
  readonly signedInAtSeconds: number
  /** When it ends however much it is used. */
  readonly endsAtSeconds: number
  /** Where the row is kept; not secret. */
  readonly key: string
  /** Ties forms to this browser; see `formToken`. */
  readonly formSecret: string
}

/** A session nobody has touched for this long is over, in milliseconds. */
export const IDLE_MS = 60 * 60_000

/** A session ends after this long, in milliseconds: a working day. */
export const LIFE_MS = 10 * 60 * 60_000

/** How often using a session writes to the store, in milliseconds. */
const TOUCH_EVERY_MS = 5 * 60_000

/** 256 bits in base64url. */
const VALUE = /^[A-Za-z0-9_-]{43}$/

export type Sessions = {
  /** Begins a session; the value goes into the browser's cookie and nowhere else. */
  open(who: SignedIn): Promise<{ readonly session: Session; readonly value: string }>
  /** The live session behind a cookie value; undefined for any other text. Using it keeps it alive. */
  find(value: string | undefined): Promise<Session | undefined>
  /** Ends it, here and on all replicas. */
  end(session: Pick<Session, 'key'>): Promise<void>
}

export type SessionsOptions = {
  readonly store: Pick<Store, 'get' | 'put' | 'cas' | 'delete'>
  /** Epoch milliseconds. */
  readonly now: () => number
}

type Row = Omit<Session, 'key' | 'formSecret'> & { readonly touchedAtMs: number }

export function createSessions({ store, now }: SessionsOptions): Sessions {
  const lifeOf = ({ endsAtSeconds }: Row) => ({
    ttlMs: Math.max(1, Math.min(IDLE_MS, endsAtSeconds * 1_000 - now())),
  })
  /** Over the row that was read and no other: a session that has ended meanwhile must not come back. */
  const touch = async (key: string, row: Row, version: number): Promise<void> => {
    const touched: Row = { ...row, touchedAtMs: now() }
    await store.cas(key, version, JSON.stringify(touched), lifeOf(row))
  }
  return {
    open: async (who) => {
      const value = randomBytes(32).toString('base64url')
      const nowMs = now()
      const row: Row = {
        ...who,
        id: randomBytes(16).toString('base64url'),
        signedInAtSeconds: Math.floor(nowMs / 1_000),
        endsAtSeconds: Math.floor((nowMs + LIFE_MS) / 1_000),
        touchedAtMs: nowMs,
      }
      const key = keyOf(value)
      await store.put(key, JSON.stringify(row), lifeOf(row))
      return { session: toSession(row, key, value), value }
    },
    find: async (value) => {
      if (value === undefined || !VALUE.test(value)) return undefined
      const key = keyOf(value)
      const stored = await store.get(key)
      if (stored === undefined) return undefined
      const row = parse(stored.value)
      if (now() >= row.endsAtSeconds * 1_000) return undefined
      if (now() - row.touchedAtMs >= TOUCH_EVERY_MS) await touch(key, row, stored.version)
      return toSession(row, key, value)
    },
    end: async ({ key }) => {
      await store.delete(key)
    },
  }
}

/**
 * The token a form carries so that only a page of ours, shown in this browser, could have sent it.
 *
 * @param secret What only this browser and we know.
 * @param purpose What the form does; a token made for one form is no good for another.
 */
export function formToken(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(`form\n${purpose}`).digest('base64url')
}

/** Whether the token that came with a form is the one made for it, in constant time. */
export function isFormToken(sent: string | undefined, secret: string, purpose: string): boolean {
  const [given, right] = [sent ?? '', formToken(secret, purpose)].map((text) => Buffer.from(text))
  return given?.length === right?.length && timingSafeEqual(given ?? NOTHING, right ?? NOTHING)
}

const NOTHING = Buffer.alloc(0)

function keyOf(value: string): string {
  return `session/${createHash('sha256').update(value).digest('base64url')}`
}

function toSession({ touchedAtMs: _touched, ...row }: Row, key: string, value: string): Session {
  return { ...row, key, formSecret: value }
}

function parse(text: string): Row {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  return JSON.parse(text) as Row
}
