/** Services that Gatehouse knows, from `config/providers.yaml`. */
import { readFileSync } from 'node:fs'

import type { ProviderFile } from './credential-file.ts'
import { examine } from './validate.ts'
import { readYaml } from './yaml.ts'

/** Relative to this module, which is as deep in the published `dist/` as it is in `gateway/`. */
const FILE = new URL('../../config/providers.yaml', import.meta.url)

/** Read once per process: a file of this program, which does not change under it. */
let known: ReadonlyMap<string, ProviderFile> | undefined

/** By name. @throws {Error} when the file is missing or wrong: a broken installation. */
export function knownProviders(): ReadonlyMap<string, ProviderFile> {
  known ??= read()
  return known
}

function read(): ReadonlyMap<string, ProviderFile> {
  const document = readYaml(FILE.pathname, readFileSync(FILE, 'utf8'))
  if (!document.ok) throw new Error(document.problems.map(({ message }) => message).join('; '))
  const faults = examine('providers', document.data)
  if (faults.length > 0) throw new Error(faults.map(({ message }) => message).join('; '))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has just been applied
  return new Map(Object.entries(document.data as Record<string, ProviderFile>))
}
