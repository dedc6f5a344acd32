/**
 * Requests for approval and approvals. Requests are rows in the store, read when somebody asks; approvals
 * are a ledger, answered from memory, and one that is good for one call is taken out of the store by
 * exactly one.
 */
import { hash, randomBytes } from 'node:crypto'
import type { Emit } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import type { Approval, Ask, AskedNeed, CallKey, Needed } from './approval.ts'
import {
  approvalId,
  ASK_ID,
  ASK_SECONDS,
  DENIED_SECONDS,
  digestOf,
  formatApproval,
  isSameNeed,
  ONCE_SECONDS,
  parseApproval,
} from './approval.ts'
import { createLedger } from './ledger.ts'

/** Approvals held: each lives for minutes. */
export const MAX_APPROVALS = 10_000

/**
 * Requests one caller can make in an hour: more nobody reads, and each is kept for so long. A call that waits
 * already is none.
 */
export const MAX_ASKS = 100

/** Attempts to write a row that others write too. */
const MAX_ATTEMPTS = 20

/** Who decides, and on what of a request. */
export type Verdict = {
  readonly rules: readonly string[]
  /** The approver, for records and the page. */
  readonly by: string
  readonly decision:
    | { readonly kind: 'once' }
    | { readonly kind: 'for'; readonly ms: number }
    | { readonly kind: 'deny' }
}

/** How the arguments of a call are kept with the request for it, bound to its id. */
export type Sealing = {
  readonly seal: (id: string) => string
  /** Whether they can still be read: not when the key that sealed them is gone. */
  readonly opens: (ask: Pick<Ask, 'id' | 'sealed'>) => boolean
}

export type Approvals = {
  /** Whether any approval is in force for anybody: without one there is nothing to look up. */
  readonly any: boolean
  /** The approval of what a rule asks now, for the call of this digest; undefined when there is none in force. */
  find(needed: Needed, digest: string): Approval | undefined
  /**
   * Uses approvals for one call; false, with none used, when one of them is gone, because another call took it
   * first.
   * Rejects as the store does.
   */
  spend(approvals: readonly Approval[]): Promise<boolean>
  /** Gives back approvals that were used for a call of which nothing came. Rejects as the store does. */
  giveBack(approvals: readonly Approval[]): Promise<void>
  /**
   * The open request for this call, made when there is none people can read. Rejects as the store does, and
   * with `TooManyAsks`.
   */
  ask(ask: Omit<Ask, 'id' | 'createdAtSeconds' | 'sealed'>, sealing: Sealing): Promise<Ask>
  /** Undefined for one that is unknown or over. */
  read(id: string): Promise<Ask | undefined>
  /** What the request is after the verdict; undefined when it is over, or no longer waits for this. */
  decide(id: string, verdict: Verdict): Promise<Ask | undefined>
  load(): Promise<void>
  refresh(): Promise<void>
}

/** The caller has asked for as many approvals as it may for now. */
export class TooManyAsks extends Error {
  override readonly name = 'TooManyAsks'
}

export type ApprovalsOptions = {
  readonly store: Store
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

export function createApprovals({ store, now, emit }: ApprovalsOptions): Approvals {
  const ledger = createLedger<Approval>({
    store,
    now,
    area: 'approval',
    maxEntries: MAX_APPROVALS,
    parse: parseApproval,
    format: formatApproval,
  })

  const read = async (id: string): Promise<Ask | undefined> => {
    if (!ASK_ID.test(id)) return undefined
    const row = await store.get(`approval/ask/${id}`)
    return row === undefined ? undefined : parseAsk(row.value)
  }

  /** The request for a call that was made before and is not over. */
  async function openAsk(digest: string): Promise<Ask | undefined> {
    const row = await store.get(`approval/call/${digest}`)
    return row === undefined ? undefined : await read(row.value)
  }

  async function countAsk({ tenant, issuer, subject, client }: CallKey): Promise<void> {
    const party = hash('sha256', JSON.stringify([tenant, issuer, subject, client]), 'base64url')
    const asked = await store.count(`approval/asked/${party}`, 1, ASK_SECONDS * 1000)
    if (asked > MAX_ASKS) throw new TooManyAsks(`${MAX_ASKS} requests in an hour`)
  }

  async function approve(ask: Ask, { rules, by, decision }: Verdict): Promise<void> {
    const digest = digestOf(ask.call)
    const once = decision.kind === 'once'
    const seconds = decision.kind === 'for' ? decision.ms / 1000 : ONCE_SECONDS
    for (const need of ask.needs) {
      if (!rules.includes(need.rule)) continue
      const id = approvalId(need, digest)
      const expiresAtSeconds = Math.floor(now() / 1000 + seconds)
      await ledger.put({ id, rule: need.rule, once, by, expiresAtSeconds })
    }
  }

  async function giveBack(approvals: readonly Approval[]): Promise<void> {
    for (const approval of approvals) {
      if (approval.once && now() / 1000 < approval.expiresAtSeconds) await ledger.put(approval)
    }
  }

  return {
    get any() {
      return ledger.entries.size > 0
    },
    find: (needed, digest) => ledger.entries.get(approvalId(needed, digest)),
    spend: async (approvals) => {
      for (const [at, { id, once }] of approvals.entries()) {
        if (!once || (await ledger.remove(id))) continue
        await giveBack(approvals.slice(0, at))
        return false
      }
      return true
    },
    giveBack,
    ask: async (wanted, { seal, opens }) => {
      const digest = digestOf(wanted.call)
      const id = randomBytes(16).toString('base64url')
      const createdAtSeconds = Math.floor(now() / 1000)
      const ask: Ask = { ...wanted, id, sealed: seal(id), createdAtSeconds }
      const ttlMs = ASK_SECONDS * 1000
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const open = await openAsk(digest)
        if (open !== undefined && isFor(open, wanted.needs, opens)) return open
        if (attempt === 0) await countAsk(wanted.call)
        const held = await store.get(`approval/call/${digest}`)
        // The request first, so that whoever finds its id finds it.
        await store.put(`approval/ask/${id}`, JSON.stringify(ask), { ttlMs })
        if (await store.cas(`approval/call/${digest}`, held?.version ?? 0, id, { ttlMs })) {
          tell(emit, { action: 'asked', ask, needs: wanted.needs, by: undefined })
          return ask
        }
      }
      throw new Error('other processes kept asking for the same call')
    },
    read,
    decide: async (id, verdict) => {
      const { rules, by, decision } = verdict
      const key = `approval/ask/${id}`
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const row = await store.get(key)
        const ask = row === undefined ? undefined : parseAsk(row.value)
        if (row === undefined || ask === undefined) return undefined
        const concerned = ask.needs.filter(({ rule }) => rules.includes(rule))
        if (concerned.length === 0 || concerned.some(({ state }) => state !== 'waiting')) {
          return undefined
        }
        const state = decision.kind === 'deny' ? 'denied' : 'approved'
        const needs = ask.needs.map((need): AskedNeed =>
          rules.includes(need.rule) ? { ...need, state, by } : need,
        )
        const decided: Ask = { ...ask, needs }
        const ttlMs = (state === 'denied' ? DENIED_SECONDS : ASK_SECONDS) * 1000
        // Whoever writes first has decided.
        if (!(await store.cas(key, row.version, JSON.stringify(decided), { ttlMs }))) continue
        if (state === 'approved') await approve(decided, verdict)
        tell(emit, { action: state, ask: decided, needs: concerned, by })
        return decided
      }
      throw new Error('other processes kept deciding on the same request')
    },
    load: ledger.load,
    refresh: ledger.refresh,
  }
}

/**
 * Whether a request still stands for what the rules ask now: nothing of it was approved, which would have
 * been used or have ended by now, it asks for the same, and people can be shown what it is about.
 */
function isFor(open: Ask, needs: readonly AskedNeed[], opens: Sealing['opens']): boolean {
  if (open.needs.some(({ state }) => state === 'denied')) return true
  if (!opens(open)) return false
  const waiting = open.needs.filter(({ state }) => state === 'waiting')
  return needs.every((needed) => waiting.some((need) => isSameNeed(need, needed)))
}

type Told = {
  readonly action: 'asked' | 'approved' | 'denied'
  readonly ask: Ask
  readonly needs: readonly AskedNeed[]
  readonly by: string | undefined
}

function tell(emit: Emit, { action, ask: { id, call }, needs, by }: Told): void {
  const { server, issuer, subject } = call
  for (const { rule } of needs) {
    emit({ type: `approval_${action}`, id, rule, server, issuer, subject, by })
  }
}

function parseAsk(text: string): Ask {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  return JSON.parse(text) as Ask
}
