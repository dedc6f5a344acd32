/** The definitions of tools in a `tools/list` response, in a form that is the same for the same meaning. */
import { listedTools } from './listed-tools.ts'

/**
 * The whole definition of every tool by its name, as JSON with sorted members and without `_meta`, which
 * may differ from answer to answer. A name that is listed twice has both definitions.
 *
 * @param response One JSON-RPC response that the strict scanner has passed.
 */
export function readDefinitions(response: Uint8Array): ReadonlyMap<string, string> {
  const { buffer, byteOffset, byteLength } = response
  const found = new Map<string, string>()
  for (const { name, tool } of listedTools(Buffer.from(buffer, byteOffset, byteLength))) {
    const text = JSON.stringify(sorted(tool, '_meta'))
    const other = found.get(name)
    found.set(name, other === undefined ? text : `${other}\n${text}`)
  }
  return found
}

/** Objects with their members in the order of their names; depth is bounded by the scanner. */
function sorted(value: unknown, without?: string): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => sorted(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== without)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]: [string, unknown]) => [name, sorted(inner)]),
  )
}
