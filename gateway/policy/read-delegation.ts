/** `delegation` of an allow rule as written into conditions over its callers. */
import { checkKeys, fieldsOf, type Report, type Value, wordOf } from './read-fields.ts'
import type { Condition } from './subject.ts'

const KEYS = ['max_depth', 'on_behalf_of']

/** Longest chain that a rule can allow; nobody means to allow more. */
const MAX_DEPTH = 10

/** Conditions that every subject of the rule has besides its own. */
export function readDelegation(entry: Value, report: Report): readonly Condition[] {
  if (entry.value === undefined) return []
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return []
  checkKeys(fields, { path: entry.path, known: KEYS, later: [] }, report)
  if (Object.keys(fields).length === 0) report(entry.path, 'is empty: remove the key')
  const conditions: Condition[] = []
  const max = fields['max_depth']
  if (typeof max === 'number' && Number.isInteger(max) && max >= 0 && max <= MAX_DEPTH) {
    conditions.push({ key: 'depth', max })
  } else if (max !== undefined) {
    report([...entry.path, 'max_depth'], `must be a whole number from 0 to ${MAX_DEPTH}`)
  }
  const behalf = { value: fields['on_behalf_of'], path: [...entry.path, 'on_behalf_of'] }
  const whom = wordOf(behalf, ['user', 'none', 'any'], report)
  if (whom === 'user' || whom === 'none') conditions.push({ key: 'on_behalf_of', whom })
  return conditions
}
