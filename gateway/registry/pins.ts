/**
 * Pinned tool definitions: the hash of every definition a server has shown, kept in the store, answered
 * from memory. A definition that changes under a caller is told once; where the server says `pin: hold`
 * its tool is kept back until an operator accepts it.
 */
import { hash as hashOf } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Emit } from '../model/event.ts'
import { messageOf } from '../model/message-of.ts'
import type { Store } from '../model/store.ts'
import { PinAudiences, type Remembered } from './pin-audiences.ts'
import { createPinRows, type PinRows, type Written } from './pin-rows.ts'
import { accepted, isHeld, judgeDefinition, type Pin, type PinMember, withMember } from './pin.ts'
import { createTurns } from './turns.ts'

/** Tools pinned per server, as many as the catalogue knows. Of a server that holds, the rest is hidden. */
export const MAX_PINNED = 5_000

/** A caller's row is written again after this long, well before it ends. */
const RENEW_AFTER_MS = 7 * 24 * 3_600_000

/** A page of `tools/list` that a caller is about to be shown. */
export type Sighting = {
  readonly server: string
  /** Whether changed tools of this server are kept back. */
  readonly holds: boolean
  /** Who looks, in one text; the version spoken is part of it, for servers define tools by version. */
  readonly audience: string
  /** The same object for the same page, where it is known to be one. */
  readonly page: object | undefined
  /** By tool; asked only when the page has not been seen. */
  readonly definitions: () => ReadonlyMap<string, string>
}

/** One tool whose definitions an operator may want to see. */
export type PinnedTool = {
  readonly server: string
  readonly tool: string
  readonly held: boolean
  readonly definitions: readonly (PinMember & { readonly text: string | undefined })[]
}

export type Pins = {
  /** Notes what is seen, and returns the tools to leave out of the page; undefined when that is none. */
  observe(sighting: Sighting): ReadonlySet<string> | undefined
  /** Reads what this caller has seen before, so that `observe` can tell a change from a first sight. */
  prepare(server: string, audience: string): Promise<void>
  /** Whether a definition of the tool has changed and nobody has accepted it. */
  isHeld(server: string, tool: string): boolean
  /** The tools of a server of which that is so. */
  heldAt(server: string): readonly string[]
  /** Tools by server and name; those whose definition changed only when asked so. */
  list(which: 'all' | 'held'): Promise<readonly PinnedTool[]>
  /**
   * Accepts a definition: the changed one, or the one whose hash begins as named. False when there is none such, and
   * `several` when more than one has changed and none was named.
   */
  accept(choice: {
    readonly server: string
    readonly tool: string
    readonly hash: string | undefined
    readonly by: string
  }): Promise<boolean | 'several'>
  /** Reads all pins. Call it before serving. */
  load(): Promise<void>
  /** Picks up what other processes wrote; one read when nothing has. */
  refresh(): Promise<void>
  /** Resolves once everything noted so far is written, or could not be. */
  flush(): Promise<void>
  /** Calls `listener` when tools of a server are held or released, here or elsewhere. */
  onHeld(listener: (server: string, tools: readonly string[]) => void): void
}

export type PinsOptions = {
  readonly store: Store
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

/** Its messages say who sent them. */
const TOPIC = 'pin'

/** Knows nothing until `load`. */
export function createPins(options: PinsOptions): Pins {
  return new PinBook(options)
}

class PinBook implements Pins {
  readonly #options: PinsOptions
  readonly #rows: PinRows
  readonly #inTurn = createTurns()
  readonly #pins = new Map<string, Map<string, Pin>>()
  /** By server; only those with a change nobody has accepted have an entry. */
  readonly #held = new Map<string, ReadonlySet<string>>()
  readonly #audiences = new PinAudiences()
  /** By page, see `Sighting`. */
  readonly #hashes = new WeakMap<object, ReadonlyMap<string, string>>()
  /** Notes that the store does not have yet, by server and tool. */
  readonly #unwritten = new Map<string, number>()
  readonly #listeners: ((server: string, tools: readonly string[]) => void)[] = []
  /** Grows whenever a page could be judged otherwise than before. */
  #epoch = 0
  #head: string | undefined
  readonly #self = crypto.randomUUID()
  #hearing: Promise<void> | undefined

  constructor(options: PinsOptions) {
    this.#options = options
    this.#rows = createPinRows(options.store)
  }

  observe(sighting: Sighting): ReadonlySet<string> | undefined {
    const { server, holds, page } = sighting
    const seen = this.#audiences.of(server, sighting.audience)
    const kept = (): ReadonlySet<string> | undefined => (holds ? this.#held.get(server) : undefined)
    if (page !== undefined && seen.epoch === this.#epoch && seen.pages.has(page)) return kept()
    const unsure = this.#judge(sighting, seen, this.#options.now())
    if (!seen.loaded) {
      const again = async (): Promise<void> => {
        await this.prepare(server, sighting.audience)
        this.observe(sighting)
      }
      void this.#later(again)
    } else {
      if (seen.epoch !== this.#epoch) seen.pages = new WeakSet()
      seen.epoch = this.#epoch
      if (page !== undefined) seen.pages.add(page)
    }
    if (!holds || unsure.size === 0) return kept()
    return new Set([...unsure, ...(this.#held.get(server) ?? [])])
  }

  async prepare(server: string, audience: string): Promise<void> {
    const seen = this.#audiences.of(server, audience)
    if (seen.loaded) return
    const row = await this.#rows.readAudience(server, audience)
    if (seen.loaded) return
    seen.row = row
    seen.loaded = true
  }

  isHeld(server: string, tool: string): boolean {
    return this.#held.get(server)?.has(tool) ?? false
  }

  heldAt(server: string): readonly string[] {
    return [...(this.#held.get(server) ?? [])]
  }

  async list(which: 'all' | 'held'): Promise<readonly PinnedTool[]> {
    const tools: PinnedTool[] = []
    for (const [server, pins] of [...this.#pins].toSorted(byName)) {
      for (const [tool, pin] of [...pins].toSorted(byName)) {
        const held = isHeld(pin)
        if (which === 'held' && !held) continue
        const definitions = []
        for (const member of pin.members) {
          // Texts are for whoever decides about a change; they are many otherwise.
          const text = held ? await this.#rows.readText(server, member.hash) : undefined
          definitions.push({ ...member, text })
        }
        tools.push({ server, tool, held, definitions })
      }
    }
    return tools
  }

  async accept(choice: Parameters<Pins['accept']>[0]): Promise<boolean | 'several'> {
    return await this.#inTurn(async () => {
      const { server, tool, by } = choice
      const pin = (await this.#rows.readPin(server, tool)) ?? this.#pins.get(server)?.get(tool)
      const changed = pin?.members.filter(({ state }) => state === 'changed') ?? []
      if (choice.hash === undefined && changed.length > 1) return 'several'
      const hash = choice.hash ?? changed[0]?.hash
      const found = pin?.members.filter((one) => hash !== undefined && one.hash.startsWith(hash))
      const [member, ...others] = found ?? []
      if (others.length > 0) return 'several'
      if (pin === undefined || member === undefined) return false
      const { now, emit } = this.#options
      const chosen = { hash: member.hash, state: 'accepted', sinceMs: now(), by } as const
      const next = accepted(pin, chosen)
      await this.#rows.writePin(server, tool, next)
      await this.#announce()
      await this.#tell()
      this.#set(server, tool, next)
      emit({ type: 'tool_accepted', by, server, tool, definition: member.hash })
      return true
    })
  }

  async load(): Promise<void> {
    this.#options.store.subscribe(TOPIC, (from) => {
      if (from === this.#self || this.#hearing !== undefined) return
      this.#hearing = this.refresh()
        .catch(() => undefined)
        .finally(() => (this.#hearing = undefined))
    })
    await this.#inTurn(() => this.#readAll())
  }

  async refresh(): Promise<void> {
    if ((await this.#rows.readHead()) === this.#head) return
    await this.#inTurn(() => this.#readAll())
  }

  async flush(): Promise<void> {
    await this.#inTurn(() => Promise.resolve())
  }

  onHeld(listener: (server: string, tools: readonly string[]) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Judges every definition of a page and notes what is new. Returns the tools that nothing can be said
   * about: the server has too many, or this caller's row must be read first.
   */
  #judge(sighting: Sighting, seen: Remembered, nowMs: number): ReadonlySet<string> {
    const { server } = sighting
    const unsure = new Set<string>()
    const saw = new Map(seen.row?.saw)
    let isNews = seen.row === undefined || nowMs - seen.row.atMs > RENEW_AFTER_MS
    let texts: ReadonlyMap<string, string> | undefined
    for (const [tool, hash] of this.#hashesIn(sighting)) {
      const before = this.#pins.get(server)?.get(tool)
      const verdict = judgeDefinition(before, { tool, hash }, seen.row)
      const isForAll = verdict === 'first' || isGood(before, hash)
      if (verdict === 'first' ? !this.#hasRoom(server) : !isForAll && !seen.loaded) {
        unsure.add(tool)
        continue
      }
      if (verdict !== 'known' && verdict !== 'held') {
        texts ??= sighting.definitions()
        this.#note(sighting, { tool, hash, text: texts.get(tool) ?? '', verdict, nowMs })
      }
      isNews ||= isForAll ? saw.has(tool) : saw.get(tool) !== hash
      // A tool it has not seen before: from now on it has.
      isNews ||= (before?.members[0]?.sinceMs ?? nowMs) > (seen.row?.atMs ?? 0)
      if (isForAll) saw.delete(tool)
      else saw.set(tool, hash)
    }
    if (isNews && seen.loaded) {
      const row = { atMs: nowMs, saw }
      seen.row = row
      void this.#later(() => this.#rows.writeAudience(server, sighting.audience, row))
    }
    return unsure
  }

  /** By tool. Every caller sees the same page: it is read once, and not for each of them. */
  #hashesIn({ page, definitions }: Sighting): ReadonlyMap<string, string> {
    const known = page && this.#hashes.get(page)
    if (known !== undefined) return known
    const hashes = new Map<string, string>()
    for (const [tool, text] of definitions()) hashes.set(tool, hashOf('sha256', text, 'base64url'))
    if (page !== undefined) this.#hashes.set(page, hashes)
    return hashes
  }

  #note(sighting: Sighting, what: Noted): void {
    const { server, holds } = sighting
    const { tool, hash, text, verdict, nowMs } = what
    const before = this.#pins.get(server)?.get(tool)
    const was = before?.members.findLast(({ state }) => state !== 'variant')?.hash
    this.#set(server, tool, withMember(before, { hash, state: verdict, sinceMs: nowMs }))
    const key = keyOf(server, tool)
    this.#unwritten.set(key, (this.#unwritten.get(key) ?? 0) + 1)
    const { emit } = this.#options
    const about = { server, tool, definition: hash }
    if (verdict === 'changed') emit({ type: 'tool_changed', ...about, was: was ?? '', held: holds })
    if (verdict === 'variant') emit({ type: 'tool_variant', ...about })
    void this.#later(async () => {
      await this.#rows.writeText(server, hash, text)
      await this.#merge(sighting, what)
      this.#unwritten.set(key, (this.#unwritten.get(key) ?? 1) - 1)
      if (this.#unwritten.get(key) === 0) this.#unwritten.delete(key)
    })
  }

  /** Writes what was noted over what other processes may have written meanwhile. */
  async #merge(sighting: Sighting, what: Noted): Promise<void> {
    const { server } = sighting
    const { tool, hash, verdict: state, nowMs } = what
    const written = await this.#rows.changePin(server, tool, (stored) => {
      const known = stored?.members.find((one) => one.hash === hash)
      // Somebody decided about it, or saw it first: that stands.
      if (known !== undefined && (known.state !== 'variant' || state !== 'changed'))
        return undefined
      const isSecond = state === 'first' && stored !== undefined && stored.members.length > 0
      return withMember(stored, { hash, state: isSecond ? 'variant' : state, sinceMs: nowMs })
    })
    // While more is on its way, memory knows more than the store.
    const isLast = this.#unwritten.get(keyOf(server, tool)) === 1
    if (written.pin !== undefined && isLast) this.#set(server, tool, written.pin)
    if (state === 'first' && !isGood(written.pin, hash)) {
      await this.#judgeAnew(sighting, what, written)
    }
    if (!written.changed) return
    await this.#announce()
    if (state === 'changed') await this.#tell()
  }

  /** What was taken for the first definition of its tool is not: another process had seen one before. */
  async #judgeAnew(sighting: Sighting, what: Noted, { pin, changed }: Written): Promise<void> {
    const { server, audience } = sighting
    const { tool, hash, nowMs } = what
    const verdict = judgeDefinition(pin, what, await this.#rows.readAudience(server, audience))
    if (verdict === 'changed') {
      this.#note(sighting, { ...what, verdict })
      return
    }
    if (changed) this.#options.emit({ type: 'tool_variant', server, tool, definition: hash })
    for (const [who, row] of this.#audiences.demote({ server, tool, hash, sinceMs: nowMs })) {
      void this.#later(() => this.#rows.writeAudience(server, who, row))
    }
  }

  #hasRoom(server: string): boolean {
    return (this.#pins.get(server)?.size ?? 0) < MAX_PINNED
  }

  #set(server: string, tool: string, pin: Pin): void {
    let pins = this.#pins.get(server)
    if (pins === undefined) this.#pins.set(server, (pins = new Map()))
    if (isDeepStrictEqual(pins.get(tool), pin)) return
    pins.set(tool, pin)
    this.#epoch += 1
    const held = new Set(this.#held.get(server))
    if (isHeld(pin) === held.has(tool)) return
    if (isHeld(pin)) held.add(tool)
    else held.delete(tool)
    this.#setHeld(server, held, [tool])
  }

  #setHeld(server: string, held: ReadonlySet<string>, tools: readonly string[]): void {
    if (held.size === 0) this.#held.delete(server)
    else this.#held.set(server, held)
    for (const listener of this.#listeners) listener(server, tools)
  }

  /** What this process has noted and could not write yet stands: the store is behind. */
  async #readAll(): Promise<void> {
    const head = await this.#rows.readHead()
    for await (const { server, tool, pin } of this.#rows.all()) {
      if (!this.#unwritten.has(keyOf(server, tool))) this.#set(server, tool, pin)
    }
    this.#head = head
  }

  /** A hint to others that something is held or free again: who misses it sees the head move. */
  async #tell(): Promise<void> {
    await this.#options.store.publish(TOPIC, this.#self).catch(() => undefined)
  }

  async #announce(): Promise<void> {
    this.#head = await this.#rows.moveHead()
  }

  /** What is written behind: memory has it already, and a restart would learn it anew. */
  async #later(work: () => Promise<void>): Promise<void> {
    try {
      await this.#inTurn(work)
    } catch (error) {
      const detail = messageOf(error)
      this.#options.emit({ type: 'warning', what: 'pins_not_kept', detail })
    }
  }
}

type Noted = {
  readonly tool: string
  readonly hash: string
  readonly text: string
  readonly verdict: 'first' | 'variant' | 'changed'
  readonly nowMs: number
}

function keyOf(server: string, tool: string): string {
  return `${server}/${tool}`
}

/** Whether the definition is for everybody: the first there was, or accepted. */
function isGood(pin: Pin | undefined, hash: string): boolean {
  const state = pin?.members.find((one) => one.hash === hash)?.state
  return state === 'first' || state === 'accepted'
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
