/** A JSON schema as Markdown: what the generated documents have in common. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The parts of JSON Schema that the schemas of this project use and readers want to know. */
export type Schema = {
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
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly $defs?: Readonly<Record<string, Schema>>
}

/** Reads a schema by its path in the project. */
export function readSchema(path: string): Schema {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../..', path), 'utf8')) as Schema
}

/** Returns a section per key at the top of a schema, with a list entry per key below it. */
export function schemaSections(root: Schema, heading: '##' | '###'): readonly string[] {
  return Object.entries(root.properties ?? {}).flatMap(([key, schema]) => {
    const child = resolve(schema, root)
    const facts = factsOf(child, { isRequired: root.required?.includes(key) ?? false, schema })
    const below = list(child, { root, path: '' })
    return [
      `${heading} \`${key}\`\n`,
      `${sentence(child, facts)}\n`,
      ...(below.length > 0 ? [`${below.join('\n')}\n`] : []),
    ]
  })
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
