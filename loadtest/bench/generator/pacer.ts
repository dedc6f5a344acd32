/**
 * Wakes the sending thread at precise moments. Node's own timers count whole milliseconds, which at
 * 2,000 requests/s would put up to a millisecond of the generator's own delay into every latency. A
 * worker thread that sleeps in `Atomics.wait` is punctual to about 0.1 ms and burns no processor.
 */
import { Worker } from 'node:worker_threads'

/** What the pacer and its thread share. */
export type PacerData = {
  /** Moments to wake at, epoch milliseconds (`performance.timeOrigin` + `performance.now()`). */
  readonly moments: Float64Array<SharedArrayBuffer>
  /** Counts the moments passed. */
  readonly bell: Int32Array<SharedArrayBuffer>
}

/** A pacer under way; it must be stopped, even after its last moment. */
export type Pacer = { stop(): Promise<unknown> }

/**
 * Calls `wake` at each of `momentsMs` (`performance.now()` milliseconds, ascending); moments that lie
 * close together may share one call.
 */
export function startPacer(momentsMs: Float64Array, wake: () => void): Pacer {
  const moments = new Float64Array(new SharedArrayBuffer(momentsMs.byteLength))
  moments.set(momentsMs.map((moment) => moment + performance.timeOrigin))
  const bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const data: PacerData = { moments, bell }
  const worker = new Worker(new URL('./pacer-thread.ts', import.meta.url), { workerData: data })
  let stopped = false
  const listen = (): void => {
    if (stopped) return
    // Read before waking: a ring during `wake` must not be slept through.
    const heard = Atomics.load(bell, 0)
    wake()
    const ring = Atomics.waitAsync(bell, 0, heard)
    if (ring.async) void ring.value.then(listen)
    else setImmediate(listen)
  }
  listen()
  return {
    stop: () => {
      stopped = true
      Atomics.notify(bell, 0)
      return worker.terminate()
    },
  }
}
