/**
 * Checks a document against one of the published JSON Schemas (2020-12). The files in `config/` and
 * `policies/` are the only description of the formats and of their defaults: editors read them, and
 * so does this.
 */
import { readFileSync } from 'node:fs'
import {
  Ajv2020,
  type AnySchemaObject,
  type ErrorObject,
  type ValidateFunction,
} from 'ajv/dist/2020.js'
import type { Problem, SourceDocument } from '../model/problem.ts'
import { type Explained, explainErrors } from './explain-errors.ts'

/** Relative to this module, which is as deep in the published `dist/` as it is in `gateway/`. */
const SCHEMA_FILES = {
  config: '../../config/gatehouse.schema.json',
  policy: '../../policies/policy.schema.json',
  cases: '../../policies/cases.schema.json',
  users: '../../config/users.schema.json',
  providers: '../../config/providers.schema.json',
} as const

export type SchemaName = keyof typeof SCHEMA_FILES

type Compiled = {
  readonly examine: (data: unknown) => readonly Explained[]
  readonly fill: (data: unknown) => unknown
}

/** Compiled once per process: the schemas are files of this program and do not change under it. */
const compiled = new Map<SchemaName, Compiled>()

/**
 * Every way `document` departs from the schema, in document order, in words and with positions; empty
 * when it conforms. Reads the schema file on first use.
 *
 * @throws {Error} When a schema file is missing or is itself wrong: a broken installation.
 */
export function validate(schema: SchemaName, document: SourceDocument): readonly Problem[] {
  const { file, at } = document
  return examine(schema, document.data)
    .map(({ path, part, message }) => ({ file, ...at(path, part), message }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
}

/** The same as paths, for whoever goes on with the parts that are right. */
export function examine(schema: SchemaName, data: unknown): readonly Explained[] {
  return load(schema).examine(data)
}

/**
 * Fills in, inside `data`, everything absent that has a `default` in the schema, and returns it. `data`
 * must be a tree: a value reachable twice would get the defaults of both places.
 */
export function withDefaults(schema: SchemaName, data: unknown): unknown {
  return load(schema).fill(data)
}

function load(name: SchemaName): Compiled {
  const known = compiled.get(name)
  if (known !== undefined) return known
  const fresh = compile(readSchema(name))
  compiled.set(name, fresh)
  return fresh
}

function compile(schema: AnySchemaObject): Compiled {
  const check = createAjv({ strict: true, useDefaults: false }).compile(schema)
  let fill: ValidateFunction | undefined
  // A branch on its own lacks what its parent says (`type`), which strict mode would mind.
  const loose = createAjv({ strict: false, useDefaults: false })
  const branchErrors = (branch: AnySchemaObject, data: unknown): readonly ErrorObject[] => {
    const alone = { $defs: schema['$defs'], ...branch }
    const check = loose.compile(alone)
    const errors = check(data) === true ? [] : (check.errors ?? [])
    loose.removeSchema(alone)
    return errors
  }
  return {
    examine: (data) =>
      check(data) === true ? [] : explainErrors(check.errors ?? [], branchErrors),
    fill: (data) => {
      fill ??= createAjv({ strict: true, useDefaults: true }).compile(schema)
      void fill(data)
      return data
    },
  }
}

function createAjv(options: { readonly strict: boolean; readonly useDefaults: boolean }): Ajv2020 {
  const ajv = new Ajv2020({
    ...options,
    allErrors: true,
    // `anyOf: [{required: [a]}, {required: [b]}]` beside `properties` is how "one of" is said.
    strictRequired: false,
    allowUnionTypes: true,
    // Errors carry the value and the schema they failed on: the words are made from both.
    verbose: true,
    // Every start pays for these, which would be most of it: a test has validated the schemas, and code
    // that looks at one document is not worth making shorter first.
    validateSchema: false,
    code: { optimize: false },
  })
  // What editors show instead of a pattern (VS Code's and yaml-language-server's keyword), and we too.
  ajv.addVocabulary(['patternErrorMessage'])
  return ajv
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
