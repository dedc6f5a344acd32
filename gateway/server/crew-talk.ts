/** What supervisor and workers ask each other. Everything is copied between processes: plain values only. */
import type { AdminRequest } from '../admin/admin.ts'
import type { AdminAnswer } from '../admin/answer.ts'
import type { FetchedKeys } from '../identity/key-documents.ts'
import type { Draw, Drawn } from '../model/limits.ts'
import type { Relayed } from '../state/relayed-store.ts'
import type { Readiness } from './readiness.ts'

/** What a worker asks its supervisor. */
export type ToSupervisor = {
  /** The first question: who am I? */
  readonly join: { readonly asked: undefined; readonly answer: Place }
  /** It listens, on this port. */
  readonly up: { readonly asked: number; readonly answer: undefined }
  /** It ends, and this is what it has counted. */
  readonly leave: { readonly asked: string; readonly answer: undefined }
  readonly store: { readonly asked: Relayed; readonly answer: unknown }
  /** To the other workers. */
  readonly publish: { readonly asked: Told; readonly answer: undefined }
  readonly draw: { readonly asked: readonly Draw[]; readonly answer: Drawn }
  /** Keys of an issuer, fetched once for all workers. */
  readonly keys: { readonly asked: WantedKeys; readonly answer: FetchedKeys }
  /** How many workers there are. */
  readonly attend: { readonly asked: undefined; readonly answer: number }
}

/** What a worker is told about itself. */
export type Place = {
  /** 1 to `workers`; a worker that is replaced leaves its number to the next. */
  readonly slot: number
  readonly workers: number
  /** Seals what clients keep where there is no key ring; all workers have the same. */
  readonly temporaryKey: { readonly id: string; readonly key: string }
}

/** As `FetchKeys` takes it. */
export type WantedKeys = { readonly url: string; readonly newerThanMs: number }

/** A message on a topic of the store (`Store.publish`). */
export type Told = { readonly topic: string; readonly message: string }

/** What a supervisor asks a worker. */
export type ToWorker = {
  /** Its metrics, in the text format. */
  readonly metrics: { readonly asked: undefined; readonly answer: string }
  readonly readiness: { readonly asked: undefined; readonly answer: Readiness }
  readonly admin: { readonly asked: RelayedAdmin; readonly answer: AdminAnswer }
  readonly status: { readonly asked: undefined; readonly answer: Readonly<Record<string, unknown>> }
  readonly reload: { readonly asked: undefined; readonly answer: WorkerReload }
  /** To pick up what another worker has written. */
  readonly refresh: { readonly asked: undefined; readonly answer: undefined }
  /** The tools that servers have listed through it, by server. */
  readonly tools: { readonly asked: undefined; readonly answer: ListedTools }
  readonly reopen: { readonly asked: undefined; readonly answer: undefined }
  readonly message: { readonly asked: Told; readonly answer: undefined }
}

/** Names of tools by server, sorted. */
export type ListedTools = Readonly<Record<string, readonly string[]>>

/** How a reload ended, in lines for the operator. */
export type WorkerReload = {
  readonly ok: boolean
  readonly problems: readonly string[]
  readonly notices: readonly string[]
}

/** A request to the admin API with its body read and its query written out. */
export type RelayedAdmin = Omit<AdminRequest, 'body' | 'query'> & {
  readonly query: string
  readonly body: string
}
