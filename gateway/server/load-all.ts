import type { Problem } from '../model/problem.ts'
import { findKey, readKeySet } from '../oauth/key-set.ts'
import type { Rules } from '../policy/rules.ts'
import { findOver } from '../policy/warnings.ts'
import type { LoadOptions } from '../settings/load.ts'
import { loadSettings } from '../settings/load.ts'
import type { Settings } from '../settings/settings.ts'
import { loadPolicy } from './load-policy.ts'

export type Source = Omit<LoadOptions, 'readFile' | 'canVerify'>

/** What a gateway can run with. */
export type Ready = {
  readonly ok: true
  readonly settings: Settings
  readonly rules: Rules
  readonly warnings: readonly Problem[]
}

/** All of it, or everything that is wrong with any of it. */
export type Loaded =
  | Ready
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      /** The files whose change may mend it. */
      readonly files: readonly string[]
      /** SHA-256, hex, of those that could be read. */
      readonly digests: ReadonlyMap<string, string>
    }

/** Configuration and policies together: what `serve`, a reload and `check` all begin with. */
export async function loadAll(source: Source): Promise<Loaded> {
  const loaded = await loadSettings({ ...source, canVerify })
  if (!loaded.ok) return loaded
  const policy = await loadPolicy(loaded.settings)
  if (!policy.ok) {
    const { files, digests } = loaded.settings
    return { ok: false, problems: policy.problems, files, digests }
  }
  const { rules } = policy
  const over = findOver(rules.servers, (source.now ?? Date.now)())
  const warnings = [...loaded.warnings, ...policy.warnings, ...over]
  return { ok: true, settings: loaded.settings, rules, warnings }
}

/** Whether a token signed with one of the algorithms could find its key among these. */
function canVerify(keys: readonly unknown[], algorithms: readonly string[]): boolean {
  const usable = readKeySet({ keys }) ?? []
  return usable.some((key) =>
    algorithms.some((algorithm) => findKey([key], { keyId: key.keyId, algorithm }) !== undefined),
  )
}

/** `file:line:column message`, as editors and people read it. */
export function formatProblem({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column} ${message}`
}
