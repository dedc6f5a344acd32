/**
 * Checks a document against one of the published JSON Schemas (2020-12). The files in `config/` and
 * `policies/` are the only description of the formats: editors read them, and so does this.
 */
import { readFileSync } from 'node:fs'
import { type AnySchemaObject, Ajv2020 } from 'ajv/dist/2020.js'
import type { Problem, SourceDocument } from '../model/problem.ts'
import { explainErrors } from './explain-errors.ts'

/** Relative to this module, which is as deep in the published `dist/` as it is in `gateway/`. */
const SCHEMA_FILES = {
  config: '../../config/gatehouse.schema.json',
  policy: '../../policies/policy.schema.json',
  cases: '../../policies/cases.schema.json',
} as const

export type SchemaName = keyof typeof SCHEMA_FILES

/** Compiled once per process: the schemas are files of this program and do not change under it. */
const validators = new Map<SchemaName, ReturnType<typeof compile>>()

/**
 * Every way `document` departs from the schema, in document order, in words and with positions; empty
 * when it conforms. Reads the schema file on first use.
 *
 * @throws {Error} When a schema file is missing or is itself wrong: a broken installation.
 */
export function validate(schema: SchemaName, document: SourceDocument): readonly Problem[] {
  let validator = validators.get(schema)
  if (validator === undefined) {
    validator = compile(schema)
    validators.set(schema, validator)
  }
  const { file, at } = document
  return validator(document.data)
    .map(({ path, part, message }) => ({ file, ...at(path, part), message }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
}

function compile(name: SchemaName): (data: unknown) => ReturnType<typeof explainErrors> {
  const schema = readSchema(name)
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    // `anyOf: [{required: [a]}, {required: [b]}]` beside `properties` is how "one of" is said.
    strictRequired: false,
    allowUnionTypes: true,
    // Errors carry the value and the schema they failed on: the words are made from both.
    verbose: true,
  })
  // What editors show instead of a pattern (VS Code's and yaml-language-server's keyword), and we too.
  ajv.addVocabulary(['patternErrorMessage'])
  const check = ajv.compile(schema)
  // A branch on its own lacks what its parent says (`type`), which strict mode would mind.
  const loose = new Ajv2020({ allErrors: true, strict: false, verbose: true })
  const branchErrors = (branch: AnySchemaObject, data: unknown) => {
    const alone = { $defs: schema['$defs'], ...branch }
    const check = loose.compile(alone)
    const errors = check(data) === true ? [] : (check.errors ?? [])
    loose.removeSchema(alone)
    return errors
  }
  return (data) => (check(data) ? [] : explainErrors(check.errors ?? [], branchErrors))
}

function readSchema(name: SchemaName): AnySchemaObject {
  const text = readFileSync(new URL(SCHEMA_FILES[name], import.meta.url), 'utf8')
  const schema: unknown = JSON.parse(text)
  if (isObject(schema)) return schema
  throw new Error(`${SCHEMA_FILES[name]} is not a JSON object`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
