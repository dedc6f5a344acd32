/**
 * Writes the reference part of `docs/policy.md` from the schemas of policies and their cases: `make docs`.
 * What stands before it is written by hand and kept. A test compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSchema, schemaSections } from './schema-reference.ts'

export const POLICY_REFERENCE = join(import.meta.dirname, '../../docs/policy.md')

/** Everything after this line is written by `make docs`. */
const MARK = '<!-- The rest is written by `make docs`, from policies/*.schema.json. -->'

/**
 * Returns the page with its reference part made anew.
 *
 * @throws {Error} when the page has lost the line that says where that part begins.
 */
export function policyReference(page: string): string {
  const end = page.indexOf(MARK)
  if (end === -1) throw new Error(`docs/policy.md has no line ${MARK}`)
  const policy = readSchema('policies/policy.schema.json')
  const cases = readSchema('policies/cases.schema.json')
  return [
    `${page.slice(0, end)}${MARK}\n`,
    '## Reference: policy files\n',
    `${policy.description}\n`,
    ...schemaSections(policy, '###'),
    '## Reference: case files\n',
    `${cases.description}\n`,
    ...schemaSections(cases, '###'),
  ].join('\n')
}

if (import.meta.main) {
  writeFileSync(POLICY_REFERENCE, policyReference(readFileSync(POLICY_REFERENCE, 'utf8')))
}
