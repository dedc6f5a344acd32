/** Servers that are named where they are not configured. */
import type { Path } from '../model/problem.ts'
import type { ConfigFile } from './config-file.ts'
import { nearest } from './nearest.ts'
import type { Reading } from './reading.ts'

/** Reports each name that is no server, with the one that was meant. */
export function reportUnknown(
  reading: Reading,
  config: Pick<ConfigFile, 'servers'>,
  { at, names }: { readonly at: Path; readonly names: readonly string[] },
): void {
  const known = Object.keys(config.servers)
  for (const [index, name] of names.entries()) {
    if (known.includes(name)) continue
    const close = nearest(name, known)
    const advice = close === undefined ? '' : `; did you mean "${close}"?`
    reading.report([...at, index], `unknown server "${name}"${advice}`)
  }
}
