/** The tools of a `tools/list` response, as its server wrote them. */
import { parseForeign } from '../model/json-names.ts'

export type ListedTool = { readonly name: string; readonly tool: unknown }

/**
 * Every tool that has a name, in the order of the list; one that is listed twice comes twice.
 *
 * @param response One JSON-RPC response that the strict scanner has passed.
 */
export function listedTools(response: Buffer): readonly ListedTool[] {
  const tools = member(member(parseForeign(response.toString('utf8')), 'result'), 'tools')
  if (!Array.isArray(tools)) return []
  return tools.flatMap((tool: unknown) => {
    const name = member(tool, 'name')
    return typeof name === 'string' ? [{ name, tool }] : []
  })
}

/** What stands at a name in a parsed value; undefined where it has none, or is nothing that has names. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined
}
