/** Program of the pacer's worker thread: sleeps until each moment and rings. See `pacer.ts`. */
import { workerData } from 'node:worker_threads'
import type { PacerData } from './pacer.ts'

const { moments, bell } = workerData as PacerData
const never = new Int32Array(new SharedArrayBuffer(4))
for (const moment of moments) {
  const waitMs = moment - performance.timeOrigin - performance.now()
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs)
  Atomics.add(bell, 0, 1)
  Atomics.notify(bell, 0)
}
