/**
 * Grants: records that make a rule with `grant` hold for somebody. They end by their time, when their task
 * is over, when they are used up, or when an operator ends them. Asked from memory; uses are counted in
 * the store, so that all processes together use no more than there are.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import type { GrantTerms } from '../model/terms.ts'
import type { Grant, GrantRequest } from './grant.ts'
import { draftGrant, formatGrant, MAX_GRANT_SECONDS, parseGrant } from './grant.ts'
import type { Ledger } from './ledger.ts'
import { createLedger } from './ledger.ts'

/** Grants held. */
export const MAX_GRANTS = 10_000

/** Who ended a grant whose task a server said is over, for the record. */
const ENDED_BY_TASK = 'end of task'

/** Grants as they were when they last changed: a fixed picture, in which nothing ends. */
export type GrantBook = {
  /** The best grant that this caller has for a rule: one that lives, else one that is used up. */
  find(rule: string, caller: Caller): Grant | undefined
  /** The tasks that grants of this subject serve, as they were named. */
  tasksOf(holder: Holder): readonly string[]
}

/** Whose grants are meant, with whichever client. */
type Holder = Pick<Caller, 'issuer' | 'subject'>

export type Grants = {
  /** Another one after every change, and only then. */
  readonly book: GrantBook
  /**
   * Takes one use of a grant of this caller for the rule; undefined when there is none left. Rejects as
   * the store does when uses are counted and it cannot be asked.
   */
  use(rule: string, caller: Caller): Promise<Grant | undefined>
  /**
   * Gives back a use of which nothing came; one that somebody else tried to take meanwhile stays taken.
   * Rejects as the store does.
   */
  giveBack(grant: Grant): Promise<void>
  /** Whether the grant has not ended; one that is used up has not. */
  lives(id: string): boolean
  list(): readonly Grant[]
  /** @throws {GrantError} (rejects with), or as `Ledger.put`. */
  create(request: GrantRequest, terms: GrantTerms, by: string): Promise<Grant>
  /** Ends one; undefined when there is none of that id. */
  end(id: string, by: string): Promise<Grant | undefined>
  /** Ends all that serve a task; returns them. */
  endTask(task: string, by: string): Promise<readonly Grant[]>
  /**
   * Ends those of one holder that serve a task which is over: here at once, elsewhere when the store has
   * heard of it, which `refresh` tries until then.
   */
  endServing(task: string, holder: Holder): void
  load(): Promise<void>
  refresh(): Promise<void>
}

export type GrantsOptions = {
  readonly store: Store
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

export function createGrants(options: GrantsOptions): Grants {
  const { store, now, emit } = options
  const ledger: Ledger<Grant> = createLedger({
    store,
    now,
    area: 'grant',
    maxEntries: MAX_GRANTS,
    parse: parseGrant,
    format: formatGrant,
  })
  /** What has ended with its task, until the store knows. */
  const over = new Map<string, Grant>()
  let indexed: ReadonlyMap<string, Grant> | undefined
  let live: ReadonlyMap<string, Grant> = new Map()
  let book: GrantBook = createBook(live)

  /** Made anew when the list has changed. */
  const inForce = (): ReadonlyMap<string, Grant> => {
    const { entries } = ledger
    if (indexed !== entries) {
      indexed = entries
      live = over.size === 0 ? entries : new Map([...entries].filter(([id]) => !over.has(id)))
      book = createBook(live)
    }
    return live
  }
  const currentBook = (): GrantBook => {
    inForce()
    return book
  }

  async function end(grant: Grant, by: string): Promise<boolean> {
    if (!(await ledger.remove(grant.id))) return false
    emit({ type: 'grant_ended', by, ...told(grant) })
    return true
  }

  async function endOver(): Promise<void> {
    for (const grant of over.values()) {
      await end(grant, ENDED_BY_TASK)
      over.delete(grant.id)
    }
  }

  /** How many uses of a grant were taken, counting this one or no longer counting one. */
  async function countUses({ id, expiresAtSeconds }: Grant, by: 1 | -1): Promise<number> {
    const leftMs = (expiresAtSeconds ?? Infinity) * 1000 - now()
    const lifeMs = Math.min(Math.max(1, leftMs), MAX_GRANT_SECONDS * 1000)
    return await store.count(`grant/uses/${id}`, by, lifeMs)
  }

  /** Whether this use is one of those there are; the last one tells everybody. */
  async function count(grant: Grant, maxUses: number): Promise<boolean> {
    const uses = await countUses(grant, 1)
    if (uses >= maxUses) await ledger.update({ ...grant, usedUp: true })
    return uses <= maxUses
  }

  return {
    get book() {
      return currentBook()
    },
    use: async (rule, caller) => {
      for (;;) {
        const grant = currentBook().find(rule, caller)
        if (grant === undefined || grant.usedUp) return undefined
        if (grant.maxUses === undefined || (await count(grant, grant.maxUses))) return grant
      }
    },
    giveBack: async ({ id }) => {
      const grant = inForce().get(id)
      if (grant?.maxUses === undefined) return
      const uses = await countUses(grant, -1)
      if (uses < grant.maxUses && grant.usedUp) await ledger.update({ ...grant, usedUp: false })
    },
    lives: (id) => inForce().has(id),
    list: () => [...inForce().values()],
    create: async (request, terms, by) => {
      const grant = draftGrant(request, terms, { by, nowSeconds: now() / 1000 })
      await ledger.put(grant)
      emit({ type: 'grant_created', by, ...told(grant) })
      return grant
    },
    end: async (id, by) => {
      // Another process may have made it a moment ago.
      if (!ledger.entries.has(id)) await ledger.refresh()
      const grant = ledger.entries.get(id)
      return grant !== undefined && (await end(grant, by)) ? grant : undefined
    },
    endTask: async (task, by) => {
      await ledger.refresh()
      const ended: Grant[] = []
      for (const grant of ledger.entries.values()) {
        if (grant.task === task && (await end(grant, by))) ended.push(grant)
      }
      return ended
    },
    endServing: (task, holder) => {
      for (const grant of inForce().values()) {
        const { issuer, subject } = grant
        if (grant.task !== task || issuer !== holder.issuer || subject !== holder.subject) continue
        over.set(grant.id, grant)
        indexed = undefined
      }
      endOver().catch(() => undefined)
    },
    load: ledger.load,
    refresh: async () => {
      await ledger.refresh()
      await endOver()
    },
  }
}

function createBook(entries: ReadonlyMap<string, Grant>): GrantBook {
  const byHolder = new Map<string, Grant[]>()
  const tasks = new Map<string, Set<string>>()
  for (const grant of entries.values()) {
    const { rule, issuer, subject, task } = grant
    const key = holderKey(rule, issuer, subject)
    byHolder.set(key, [...(byHolder.get(key) ?? []), grant])
    if (task === undefined) continue
    const whose = holderKey('', issuer, subject)
    tasks.set(whose, (tasks.get(whose) ?? new Set()).add(task))
  }
  return {
    tasksOf: ({ issuer, subject }) =>
      tasks.size === 0 ? [] : [...(tasks.get(holderKey('', issuer, subject)) ?? [])],
    find: (rule, { issuer, subject, client }) => {
      if (byHolder.size === 0) return undefined
      const live = byHolder
        .get(holderKey(rule, issuer, subject))
        ?.filter((grant) => grant.client === undefined || grant.client === client)
      // One without a count first: it costs no write.
      return live?.toSorted((one, other) => preference(one) - preference(other))[0]
    },
  }
}

function preference({ usedUp, maxUses }: Grant): number {
  if (usedUp) return 2
  return maxUses === undefined ? 0 : 1
}

function holderKey(rule: string, issuer: string, subject: string): string {
  return JSON.stringify([rule, issuer, subject])
}

function told({ id, rule, issuer, subject, task }: Grant) {
  return { id, rule, issuer, subject, task }
}
