/** What the figures were measured on and with. */
import { createRequire } from 'node:module'
import os from 'node:os'
import type { Toolbox } from './tools.ts'

/** Packages whose versions matter to a figure. */
const PACKAGES = ['undici', 'jose', 'http-proxy-3', 'prom-client'] as const

/** A neighbour this busy at the start spoils more than it leaves. */
const QUIET_LOAD = 0.5

/** Lines for the head of a report. */
export function describeMachine(tools: Toolbox): string[] {
  const processors = os.cpus()
  const load = os.loadavg()[0] ?? 0
  const packages = PACKAGES.map((name) => `${name} ${packageVersion(name)}`)
  const others = [...tools.versions].map(([name, version]) => `${name} ${version}`)
  const lines = [
    `date      ${new Date().toISOString().slice(0, 10)}`,
    `machine   ${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}, ${os.type()} ${os.release()}`,
    `versions  node ${process.versions.node}, ${packages.join(', ')}, ${others.join(', ')}`,
    `load      ${load.toFixed(2)} before the run`,
  ]
  if (load > QUIET_LOAD)
    lines.push('          the machine is busy: compare ratios only, or run again')
  return lines
}

function packageVersion(name: string): string {
  // Some packages do not export their package.json; the file is beside what they do export.
  const require = createRequire(import.meta.url)
  for (const directory of require.resolve.paths(name) ?? []) {
    try {
      const file = `${directory}/${name}/package.json`
      return String((require(file) as { readonly version: unknown }).version)
    } catch {
      continue
    }
  }
  return 'missing'
}
