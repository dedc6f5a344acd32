/**
 * Looks at what this process uses: some microseconds each second, and Node.js watches the event loop. It waits for
 * nothing: when the loop is late, each turn of it takes seconds, and a look must not need several.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

import type { Usage } from './pressure.ts'

/** How often the event loop is asked how late it is, in milliseconds. */
const LOOP_EVERY_MS = 100

/** Where Linux lists the descriptors of a process; elsewhere they are not watched. */
const DESCRIPTORS = '/proc/self/fd'

export type Resources = {
  /** What is used now, and how late the loop was since it was last asked. */
  look(): Usage
  close(): void
}

/** @param processes How many share the memory that the container may use. */
export function openResources(processes: number): Resources {
  const memory = process.constrainedMemory()
  const maxMemory = memory > 0 && memory < totalmem() ? memory : undefined
  const loop = monitorEventLoopDelay({ resolution: LOOP_EVERY_MS })
  loop.enable()
  return {
    look() {
      // What is counted is from one time to the next, in nanoseconds.
      const loopDelayMs = loop.count === 0 ? 0 : Math.max(0, loop.mean / 1e6 - LOOP_EVERY_MS)
      loop.reset()
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      const rss = maxMemory === undefined ? 0 : process.memoryUsage.rss() * processes
      return {
        loopDelayMs,
        heap: used / limit,
        memory: maxMemory === undefined ? 0 : rss / maxMemory,
        descriptors: descriptorsUsed(),
      }
    },
    close: () => void loop.disable(),
  }
}

/** The part that is used; 0 where the system does not say. An operator may move the bound while we run. */
function descriptorsUsed(): number {
  const limits = readLimits()
  if (limits === undefined) return 1
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? 0 : countDescriptors() / Number(soft)
}

/** Undefined when there is no descriptor left to read with; empty where there is nothing to read. */
function readLimits(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch (error) {
    return isFull(error) ? undefined : ''
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[MN]FILE$/.test(String(error.code))
}

/** Linux 6.2 and later say it as the size of the directory; before, its entries are counted. */
function countDescriptors(): number {
  const { size } = statSync(DESCRIPTORS)
  if (size > 0) return size
  try {
    return readdirSync(DESCRIPTORS).length
  } catch {
    // What cannot be listed for want of a descriptor is full.
    return Number.POSITIVE_INFINITY
  }
}
