/** A request to a server and what is told of it, in the words of undici. */
import type { Dispatcher } from 'undici'

export type Dispatch = {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly path: string
  /** Flat name, value, name, value. */
  readonly headers: string[]
  readonly body: Uint8Array | null
}

/** What may be done to a request on its way. */
export type Controller = Pick<Dispatcher.DispatchController, 'abort' | 'pause' | 'resume'>

/** What is told of a request, in this order. */
export type Handler = {
  onRequestStart(controller: Controller): void
  /** @param headers By lower-case name. */
  onResponseStart(
    controller: Controller,
    status: number,
    headers: NodeJS.Dict<string | string[]>,
  ): void
  onResponseData(controller: Controller, chunk: Uint8Array): void
  onResponseEnd(controller: Controller): void
  /** Instead of anything above, also of the start. */
  onResponseError(controller: Controller, error: Error): void
}

/** Of a request that was never sent. */
export const NEVER_SENT: Controller = { abort: () => {}, pause: () => {}, resume: () => {} }

/** An error with a code for operators. */
export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
