/** Writes `docs/config.md` from the schema of the configuration: `make docs`. A test compares. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSchema, schemaSections } from './schema-reference.ts'

export const CONFIG_REFERENCE = join(import.meta.dirname, '../../docs/config.md')

const OPENING = `# The configuration file

Every setting, from \`config/gatehouse.schema.json\`; \`make docs\` writes this page. Editors that know the
YAML language server show the same while you type, from the first line of the examples in \`config/\`.
`

/** Returns the page: a section per key at the top, a list entry per key below it. */
export function configReference(): string {
  const root = readSchema('config/gatehouse.schema.json')
  return [OPENING, `${root.description}\n`, ...schemaSections(root, '##')].join('\n')
}

if (import.meta.main) writeFileSync(CONFIG_REFERENCE, configReference())
