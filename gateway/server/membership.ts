/** What is different in a process that is one of several workers. */
import { parse, format } from 'node:path'

import type { SharedBudgets } from '../model/limits.ts'
import type { RingKey } from '../model/ring-key.ts'
import type { AuditSettings, Listen } from '../settings/settings.ts'
import type { SweptStore } from '../state/swept-store.ts'
import type { KeyFetches } from './key-fetches.ts'

/** Environment variable with the number of a worker, set by its supervisor. */
export const WORKER_VARIABLE = 'GATEHOUSE_WORKER'

export type Membership = {
  /** 1 to `workers`. */
  readonly slot: number
  readonly workers: number
  /** Seals what clients keep where there is no key ring; all workers have the same. */
  readonly temporaryKey: RingKey
  /** The store of the supervisor, for drivers of which only one process can hold the data. */
  readonly store: SweptStore
  /** The keys of issuers are fetched by the supervisor, once for all. */
  readonly keyFetches: KeyFetches
  /** What the workers share of limits. */
  readonly budgets: SharedBudgets
}

/** A file of its own for each worker: `audit.jsonl` becomes `audit.1.jsonl`. */
export function auditOf(settings: AuditSettings, member: Membership | undefined): AuditSettings {
  if (member === undefined || settings.sink === 'stdout') return settings
  const { dir, name, ext } = parse(settings.sink)
  return { ...settings, sink: format({ dir, name: `${name}.${member.slot}`, ext }) }
}

/** Connections are bounded for the machine: each worker has its part. */
export function listenOf(settings: Listen, member: Membership | undefined): Listen {
  if (member === undefined) return settings
  return { ...settings, maxConnections: Math.ceil(settings.maxConnections / member.workers) }
}
