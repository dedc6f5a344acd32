/**
 * Puts processes under real-time scheduling for the latency part (`--realtime`, needs root): on a shared
 * machine other work's time slices add milliseconds to everyone's p99 and hide what is measured.
 */
import { execFileSync } from 'node:child_process'
import { processTree } from './measure/process-tree.ts'

/** The lowest real-time priority, for all: order among them stays as it was. */
const PRIORITY = '1'

/** Switches every thread of the processes and their children; returns how to switch back. */
export function makeRealtime(roots: readonly number[]): () => void {
  const pids = processTree(roots)
  for (const pid of pids) execFileSync('chrt', ['-a', '-r', '-p', PRIORITY, String(pid)])
  return () => {
    for (const pid of pids) execFileSync('chrt', ['-a', '-o', '-p', '0', String(pid)])
  }
}
