/**
 * Arguments that a tool wants mirrored into `Mcp-Param-*` headers (SEP-2243; 2026-07-28 transports,
 * "Custom Headers"): which they are, as `x-mcp-header` in its input schema says, and whether the headers
 * of a call agree with its body.
 */
import { listedTools, member } from './listed-tools.ts'
import { decodeMirrored } from './sentinel.ts'

/** One argument that is mirrored. */
export type HeaderParam = {
  /** The whole header name in lower case. */
  readonly header: string
  /** Member names that lead to the argument from `arguments`. */
  readonly path: readonly string[]
}

/** By tool name; a tool is missing that mirrors nothing. */
export type HeaderParams = ReadonlyMap<string, readonly HeaderParam[]>

const ANNOTATION = 'x-mcp-header'

/** Mirrored arguments of one tool; a request has at most 100 headers in all. */
const MAX_PARAMS = 100

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** A decimal number as a client may write an integer: `42` and `42.0` are one. */
const DECIMAL = /^-?(?:0|[1-9][0-9]*)(?:\.0+)?$/

const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])

/** Keywords that hold values and no schemas: what looks like an annotation there is none. */
const DATA: ReadonlySet<string> = new Set(['default', 'const', 'enum', 'examples'])

const NONE: HeaderParams = new Map()

/**
 * What the tools of a `tools/list` response mirror. A tool whose annotations are invalid mirrors nothing:
 * conforming clients do not call it at all.
 *
 * @param response One JSON-RPC response that the strict scanner has passed.
 */
export function readHeaderParams(response: Uint8Array): HeaderParams {
  const { buffer, byteOffset, byteLength } = response
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  // Hardly any list has one, and then it need not be parsed.
  if (!bytes.includes(ANNOTATION)) return NONE
  const found = new Map<string, readonly HeaderParam[]>()
  for (const { name, tool } of listedTools(bytes)) {
    const params = paramsOf(member(tool, 'inputSchema'))
    if (params.length > 0) found.set(name, params)
  }
  return found
}

/** None where any of them is invalid. */
function paramsOf(schema: unknown): readonly HeaderParam[] {
  const params: HeaderParam[] = []
  const fit =
    member(schema, ANNOTATION) === undefined && readSchema(schema, [], params) && areUnique(params)
  return fit && params.length <= MAX_PARAMS ? params : []
}

/**
 * Collects the annotations of a schema's properties; false when one is invalid.
 *
 * @param path Undefined where the schema is reached by anything else than `properties`: no argument can
 *   be told from there, so no annotation may stand in it.
 */
function readSchema(
  schema: unknown,
  path: readonly string[] | undefined,
  params: HeaderParam[],
): boolean {
  if (typeof schema !== 'object' || schema === null) return true
  return Object.entries(schema).every(([key, value]: [string, unknown]) => {
    if (key === 'properties' && !Array.isArray(schema)) {
      return Object.entries(value ?? {}).every(([name, property]: [string, unknown]) =>
        readProperty(property, path && [...path, name], params),
      )
    }
    return DATA.has(key) || readProperty(value, undefined, params)
  })
}

function readProperty(
  property: unknown,
  path: readonly string[] | undefined,
  params: HeaderParam[],
): boolean {
  const name = member(property, ANNOTATION)
  if (name !== undefined) {
    if (path === undefined || !TYPES.has(member(property, 'type'))) return false
    if (typeof name !== 'string' || !TOKEN.test(name)) return false
    params.push({ header: `mcp-param-${name.toLowerCase()}`, path })
  }
  return readSchema(property, path, params)
}

/** Header names do not differ by case. */
function areUnique(params: readonly HeaderParam[]): boolean {
  return new Set(params.map(({ header }) => header)).size === params.length
}

/**
 * What disagrees between the headers of a call and its arguments; undefined when nothing does. A header
 * whose argument is absent or null has nothing to mirror and is not looked at, nor is an argument that
 * cannot be mirrored: what it is is for the server to refuse.
 *
 * @param headers `Mcp-Param-*` as received, names in lower case, flat.
 * @param args The parsed `params.arguments`.
 */
export function paramDisagreement(
  params: readonly HeaderParam[],
  headers: readonly string[],
  args: unknown,
): string | undefined {
  for (const { header, path } of params) {
    const value = path.reduce(member, args)
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      continue
    const mirrored = valueOf(headers, header)
    // The name is the server's own; what the caller sent is not repeated.
    if (mirrored === undefined) return `${header} is missing`
    const decoded = decodeMirrored(mirrored)
    if (decoded === undefined) return `${header} is not a valid encoding`
    if (!isSame(decoded, value)) return `${header} does not match the body`
  }
  return undefined
}

/** Integers are compared as numbers, and only those that every reader can tell apart. */
function isSame(text: string, value: string | number | boolean): boolean {
  if (typeof value !== 'number') return text === String(value)
  return Number.isSafeInteger(value) && DECIMAL.test(text) && Number(text) === value
}

function valueOf(flat: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < flat.length; at += 2) if (flat[at] === name) return flat[at + 1]
  return undefined
}
