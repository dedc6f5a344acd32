import type { ResponseWatch } from '../mcp/response-watch.ts'
import { watchResponse } from '../mcp/response-watch.ts'
import { Refusal } from '../model/refusal.ts'
import type { Sink, Source } from '../upstream/answer.ts'

/**
 * A JSON answer that flows: it goes on unchanged as long as it is one response to the caller's request,
 * and breaks off before its end when it is anything else, so that no client acts on it.
 */
export class WatchedAnswer implements Source, Sink {
  readonly #inner: Source
  readonly #watch: ResponseWatch
  #outer: Sink | undefined

  /** @param id The id of the caller's request, as its bytes read. */
  constructor(inner: Source, id: string) {
    this.#inner = inner
    this.#watch = watchResponse(id)
  }

  pipe(sink: Sink): void {
    this.#outer = sink
    this.#inner.pipe(this)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  abort(reason: unknown): void {
    this.#inner.abort(reason)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#outer === undefined) return true
    const problem = this.#watch.push(chunk)
    if (problem === undefined) return this.#outer.write(chunk)
    this.#breakOff(problem)
    return true
  }

  end(): void {
    const problem = this.#watch.end()
    if (problem === undefined) this.#outer?.end()
    else this.#breakOff(problem)
  }

  fail(error: unknown): void {
    const outer = this.#outer
    this.#outer = undefined
    outer?.fail(error)
  }

  #breakOff(problem: string): void {
    const refusal = new Refusal('upstream_unavailable', { detail: problem })
    this.fail(refusal)
    this.#inner.abort(refusal)
  }
}
