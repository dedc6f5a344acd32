import type { Secret } from './secret.ts'

/** A webhook that is told of decisions. */
export type Notification = {
  readonly name: string
  /** A secret since many a webhook has nothing else that keeps others out. */
  readonly url: Secret
  /** Sent with every notice, by name. */
  readonly headers: ReadonlyMap<string, Secret>
  /** From sending to the head of the answer, in milliseconds; each attempt has as much. */
  readonly timeoutMs: number
}
