/** Pins in the store: one row a tool, one a caller that has looked, one a text, and a head that moves. */
import { hash as hashOf, randomUUID } from 'node:crypto'
import type { Store } from '../model/store.ts'
import {
  type Audience,
  type Pin,
  readAudienceRow,
  readPinRow,
  writeAudienceRow,
  writePinRow,
} from './pin.ts'

const HEAD_KEY = 'pin/head'
const TOOLS = 'pin/tool/'

/** Rows read at once. */
const PAGE = 1_000

/** Attempts to change a row; each lost one means that another process got its change in. */
const MAX_ATTEMPTS = 20

/** What a caller has seen is forgotten when it has not looked for this long. */
const AUDIENCE_TTL_MS = 30 * 24 * 3_600_000

/** Characters of a definition that are kept for people to compare; the hash is of all of it. */
const MAX_TEXT_CHARS = 16_384

/** A row after a change, or as it was left. */
export type Written = { readonly pin: Pin | undefined; readonly changed: boolean }

export type PinRows = ReturnType<typeof createPinRows>

/** Names of tools and callers are hashed into keys: they may be long, and keys may not. */
export function createPinRows(store: Store) {
  return {
    async readPin(server: string, tool: string): Promise<Pin | undefined> {
      const stored = await store.get(toolKey(server, tool))
      return stored && readPinRow(stored.value)?.pin
    },
    async writePin(server: string, tool: string, pin: Pin): Promise<void> {
      await store.put(toolKey(server, tool), writePinRow(tool, pin))
    },
    /** Changes a row by compare-and-set; `change` returns undefined to leave it as it is. */
    async changePin(
      server: string,
      tool: string,
      change: (stored: Pin | undefined) => Pin | undefined,
    ): Promise<Written> {
      const key = toolKey(server, tool)
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const stored = await store.get(key)
        const before = stored && readPinRow(stored.value)?.pin
        const next = change(before)
        if (next === undefined) return { pin: before, changed: false }
        const text = writePinRow(tool, next)
        if (await store.cas(key, stored?.version ?? 0, text)) return { pin: next, changed: true }
      }
      throw new Error('other processes kept writing the pin')
    },
    /** Every tool that is pinned. */
    async *all(): AsyncGenerator<{ server: string; tool: string; pin: Pin }> {
      let after: string | undefined
      for (;;) {
        const options = after === undefined ? { limit: PAGE } : { limit: PAGE, after }
        const rows = await store.list(TOOLS, options)
        for (const { key, value } of rows) {
          const server = key.slice(TOOLS.length, key.lastIndexOf('/'))
          const read = readPinRow(value)
          if (read !== undefined) yield { server, ...read }
        }
        after = rows.at(-1)?.key
        if (rows.length < PAGE) return
      }
    },
    async readAudience(server: string, who: string): Promise<Audience | undefined> {
      const stored = await store.get(seenKey(server, who))
      return stored && readAudienceRow(stored.value)
    },
    async writeAudience(server: string, who: string, audience: Audience): Promise<void> {
      const options = { ttlMs: AUDIENCE_TTL_MS }
      await store.put(seenKey(server, who), writeAudienceRow(audience), options)
    },
    async readText(server: string, hash: string): Promise<string | undefined> {
      return (await store.get(textKey(server, hash)))?.value
    },
    async writeText(server: string, hash: string, text: string): Promise<void> {
      const kept = text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text
      await store.put(textKey(server, hash), kept.toWellFormed().replaceAll('\0', '?'))
    },
    async readHead(): Promise<string | undefined> {
      return (await store.get(HEAD_KEY))?.value
    },
    /** Tells other processes that there is something to read. */
    async moveHead(): Promise<string> {
      const head = randomUUID()
      await store.put(HEAD_KEY, head)
      return head
    },
  }
}

function toolKey(server: string, tool: string): string {
  return `${TOOLS}${server}/${digest(tool)}`
}

function seenKey(server: string, who: string): string {
  return `pin/seen/${server}/${digest(who)}`
}

function textKey(server: string, hash: string): string {
  return `pin/text/${server}/${hash}`
}

function digest(text: string): string {
  return hashOf('sha256', text, 'base64url')
}
