/** `annotations` of a rule: what tools must say of themselves for the rule to be about them. */
import type { ToolTraits } from '../model/tool-traits.ts'
import { checkKeys, fieldsOf, flagOf, type Report, type Value } from './read-fields.ts'

const KEYS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const

/** The traits wanted; undefined when none are. */
export function readAnnotations(entry: Value, report: Report): Partial<ToolTraits> | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  checkKeys(fields, { path: entry.path, known: KEYS, later: [] }, report)
  if (Object.keys(fields).length === 0) report(entry.path, 'is empty: remove the key')
  const given = KEYS.filter((key) => fields[key] !== undefined)
  return Object.fromEntries(
    given.map((key) => [key, flagOf({ value: fields[key], path: [...entry.path, key] }, report)]),
  )
}
