/** Writes `docs/config.md` from the schema of the configuration: `make docs`. A test compares. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const CONFIG_REFERENCE = join(import.meta.dirname, '../../docs/config.md')

const OPENING = `# The configuration file

Every setting, from \`config/gatehouse.schema.json\`; \`make docs\` writes this page. Editors that know the
YAML language server show the same while you type, from the first line of the examples in \`config/\`.
`

type Schema = {
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly $ref?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly $defs?: Readonly<Record<string, Schema>>
}

/** Returns the page: a section per key at the top, a list entry per key below it. */
export function configReference(): string {
  const file = join(import.meta.dirname, '../../config/gatehouse.schema.json')
  const root = JSON.parse(readFileSync(file, 'utf8')) as Schema
  const lines = [OPENING, `${root.description}\n`]
  for (const [key, schema] of Object.entries(root.properties ?? {})) {
    const child = resolve(schema, root)
    const facts = factsOf(child, { isRequired: root.required?.includes(key) ?? false, schema })
    lines.push(`## \`${key}\`\n`, `${sentence(child, facts)}\n`)
    const below = list(child, { root, path: '' })
    if (below.length > 0) lines.push(`${below.join('\n')}\n`)
  }
  return lines.join('\n')
}

/** One list entry per key below a schema, through maps (\`NAME.\`) and lists (\`[].\`). */
function list(schema: Schema, at: { readonly root: Schema; readonly path: string }): string[] {
  const { root, path } = at
  const entries = Object.entries(schema.properties ?? {}).flatMap(([key, declared]) => {
    const child = resolve(declared, root)
    const isRequired = schema.required?.includes(key) ?? false
    const facts = factsOf(child, { isRequired, schema: declared })
    const text = sentence(child, facts)
    return [`- \`${path}${key}\`: ${text}`, ...list(child, { root, path: `${path}${key}.` })]
  })
  const map = schema.additionalProperties
  if (typeof map === 'object')
    entries.push(...list(resolve(map, root), { root, path: `${path}NAME.` }))
  if (schema.items) {
    const inList = path.replace(/\.$/, '[].')
    entries.push(...list(resolve(schema.items, root), { root, path: inList || '[].' }))
  }
  return entries
}

/** A schema with what its `$ref` adds; what is said at the place itself wins. */
function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref === undefined) return schema
  return { ...root.$defs?.[schema.$ref.replace('#/$defs/', '')], ...schema }
}

function factsOf(child: Schema, at: { readonly isRequired: boolean; schema: Schema }): string {
  const facts: string[] = []
  if (child.const !== undefined) facts.push(`always ${code(child.const)}`)
  if (child.enum) facts.push(`one of ${child.enum.map(code).join(', ')}`)
  const def = at.schema.$ref?.replace('#/$defs/', '')
  if (def === 'duration' || def === 'size') facts.push(`a ${def}`)
  if (child.maximum !== undefined) facts.push(`${child.minimum} to ${child.maximum}`)
  if (at.isRequired) facts.push('required')
  const { default: value } = child
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
  if (value !== undefined && value !== '' && !isEmpty) facts.push(`default ${code(value)}`)
  return facts.length === 0 ? '' : `_(${facts.join('; ')})_`
}

/** The description, with angle brackets that Markdown must not take for HTML, and the facts. */
function sentence({ description = '' }: Schema, facts: string): string {
  return `${description.replaceAll('<', String.raw`\<`)} ${facts}`.trim()
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value).replaceAll('","', '", "')}\``
}

if (import.meta.main) writeFileSync(CONFIG_REFERENCE, configReference())
