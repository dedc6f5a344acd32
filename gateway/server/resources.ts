/** Looks at what this process uses: a few microseconds each second, and a timer for the event loop. */
import { readFile, readdir, stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

import type { Usage } from './pressure.ts'

/** How often the event loop is asked how late it is, in milliseconds. */
const LOOP_EVERY_MS = 100

/** Where Linux lists the descriptors of a process; elsewhere they are not watched. */
const DESCRIPTORS = '/proc/self/fd'

export type Resources = {
  /** What is used now, and how late the loop was since it was last asked. */
  look(): Promise<Usage>
  close(): void
}

/** @param processes How many share the memory that the container may use. */
export function openResources(processes: number): Resources {
  const memory = process.constrainedMemory()
  const maxMemory = memory > 0 && memory < totalmem() ? memory : undefined
  let lateMs = 0
  let ticks = 0
  let dueTick = performance.now() + LOOP_EVERY_MS
  const timer = setInterval(() => {
    const now = performance.now()
    lateMs += Math.max(0, now - dueTick)
    ticks += 1
    dueTick = now + LOOP_EVERY_MS
  }, LOOP_EVERY_MS)
  timer.unref()
  return {
    async look() {
      const loopDelayMs = ticks === 0 ? 0 : lateMs / ticks
      lateMs = 0
      ticks = 0
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      const rss = maxMemory === undefined ? 0 : process.memoryUsage.rss() * processes
      return {
        loopDelayMs,
        heap: used / limit,
        memory: maxMemory === undefined ? 0 : rss / maxMemory,
        descriptors: await descriptorsUsed(),
      }
    },
    close: () => clearInterval(timer),
  }
}

/** The part that is used; 0 where the system does not say. An operator may move the bound while we run. */
async function descriptorsUsed(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(noneLeft)
  if (limits === undefined) return 1
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? 0 : (await countDescriptors()) / Number(soft)
}

/** Linux 6.2 and later say it as the size of the directory; before, its entries are counted. */
async function countDescriptors(): Promise<number> {
  const { size } = await stat(DESCRIPTORS)
  if (size > 0) return size
  // What cannot be listed for want of a descriptor is full.
  return await readdir(DESCRIPTORS).then(
    ({ length }) => length,
    () => Number.POSITIVE_INFINITY,
  )
}

/** Undefined when there is no descriptor left to read with; empty where there is nothing to read. */
function noneLeft(error: NodeJS.ErrnoException): undefined | '' {
  return error.code === 'EMFILE' || error.code === 'ENFILE' ? undefined : ''
}
