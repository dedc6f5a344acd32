/** What a call costs and who pays: the caller, its client, everybody at the server, the same call again. */
import { createHash } from 'node:crypto'

import type { Call } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Budget, Limits, ServerLimits } from '../model/limits.ts'
import type { McpServer } from '../model/server.ts'
import type { Buckets, Expense, Shortage } from './buckets.ts'
import { createPartyNames } from './party.ts'

/** Which limit a call runs into, for the record. */
export type Limit =
  | 'caller'
  | 'client'
  | 'initialize'
  | 'same_call'
  | 'server_caller'
  | 'server'
  | 'rule'

/** What a call runs into, and the seconds after which there is room for it. */
export type OverBudget = { readonly limit: Limit; readonly retryAfterSeconds: number }

/** What is to be paid for. */
export type Purchase = {
  readonly call: Call
  readonly caller: Caller
  readonly server: McpServer
  /** What the call was read from; undefined for one that came in no message. */
  readonly frame: Uint8Array | undefined
  /** What the rule that allowed it lets each caller spend. */
  readonly rule?: { readonly id: string; readonly budget: Budget } | undefined
  /** Monotonic milliseconds. */
  readonly tick: number
}

export type Budgets = {
  /**
   * Pays for a request; what it runs into, when it does, and then nothing is paid. A promise where the
   * processes that share a budget have to be asked.
   */
  spend(purchase: Purchase): OverBudget | undefined | Promise<OverBudget | undefined>
  /** Gives back what was paid for a request that did not go up. @param tick Monotonic milliseconds. */
  giveBack(purchase: Purchase, tick: number): void
}

type Charge = Expense & { readonly limit: Limit }

/** @param buckets They outlive the configuration, so that a reload is no way to spend anew. */
export function createBudgets(limits: Limits, buckets: Buckets): Budgets {
  const partyOf = createPartyNames()
  const isLimited = limits.clients !== undefined || limits.sameCall !== undefined

  const chargesFor = ({ call, caller, server, frame, rule }: Purchase): readonly Charge[] => {
    const own = limits.servers.get(server.name)
    // Most calls: nothing is limited but how many sessions one opens.
    const isPlain = own === undefined && rule === undefined
    if (!isLimited && isPlain && call.method !== 'initialize') {
      if (limits.callers[caller.kind] === undefined) return FREE
    }
    const party = partyOf(caller)
    const cost = costOf(call, own)
    const charges: Charge[] = []
    const charge = (limit: Limit, budget: Budget | undefined, units: number, who: string): void => {
      if (budget !== undefined) charges.push({ limit, budget, cost: units, key: `${limit} ${who}` })
    }
    charge('caller', limits.callers[caller.kind], cost, party)
    if (caller.client !== '') charge('client', limits.clients, cost, clientOf(caller))
    if (call.method === 'initialize') charge('initialize', limits.initialize, 1, party)
    if (limits.sameCall !== undefined && call.method === 'tools/call') {
      charge('same_call', limits.sameCall, 1, `${party} ${server.name} ${digestOf(call, frame)}`)
    }
    charge('server_caller', own?.caller, cost, `${server.name} ${party}`)
    charge('server', own?.everybody, cost, server.name)
    charge('rule', rule?.budget, 1, `${rule?.id} ${server.name} ${party}`)
    return charges
  }

  return {
    spend(purchase) {
      const charges = chargesFor(purchase)
      if (charges.length === 0) return undefined
      const shortage = buckets.spend(charges, purchase.tick)
      return shortage instanceof Promise ? shortage.then(overBudget) : overBudget(shortage)
    },
    giveBack(purchase, tick) {
      buckets.giveBack(chargesFor(purchase), purchase.tick, tick)
    },
  }
}

/** One list for all of them: calls are made often. */
const FREE: readonly never[] = []

function overBudget(shortage: Shortage<Charge> | undefined): OverBudget | undefined {
  if (shortage === undefined) return undefined
  return { limit: shortage.expense.limit, retryAfterSeconds: shortage.retryAfterSeconds }
}

function costOf({ method, targets }: Call, own: ServerLimits | undefined): number {
  if (method !== 'tools/call' || own === undefined) return 1
  return targets.reduce((sum, { name }) => sum + (own.costs.get(name) ?? 1), 0)
}

function clientOf({ tenant, issuer, client }: Caller): string {
  return JSON.stringify([tenant, issuer, client])
}

/** Of what is called and with what, as it was written. */
function digestOf({ targets, arguments: span }: Call, frame: Uint8Array | undefined): string {
  const hash = createHash('sha256').update(`${targets[0]?.name}\n`)
  if (span !== undefined && frame !== undefined) hash.update(frame.subarray(span.start, span.end))
  return hash.digest('base64url')
}
