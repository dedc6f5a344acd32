/** What the tools of a list say of themselves (MCP tool annotations). */
import { DEFAULT_TRAITS, type ToolTraits } from '../model/tool-traits.ts'
import { listedTools, member } from './listed-tools.ts'

/** By tool name; a tool is missing that says nothing. */
export type AnnotatedTools = ReadonlyMap<string, ToolTraits>

const MEMBER = 'annotations'

const NONE: AnnotatedTools = new Map()

/**
 * The annotations of the tools of a `tools/list` response. A hint that is absent or no boolean is the one the
 * specification assumes.
 *
 * @param response One JSON-RPC response that the strict scanner has passed.
 */
export function readToolAnnotations(response: Uint8Array): AnnotatedTools {
  const { buffer, byteOffset, byteLength } = response
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  // A list without any need not be parsed.
  if (!bytes.includes(MEMBER)) return NONE
  const found = new Map<string, ToolTraits>()
  for (const { name, tool } of listedTools(bytes)) {
    const annotations = member(tool, MEMBER)
    if (annotations !== undefined) found.set(name, read(annotations))
  }
  return found
}

function read(annotations: unknown): ToolTraits {
  const hint = (name: keyof ToolTraits): boolean => {
    const value = member(annotations, name)
    return typeof value === 'boolean' ? value : DEFAULT_TRAITS[name]
  }
  return {
    readOnlyHint: hint('readOnlyHint'),
    destructiveHint: hint('destructiveHint'),
    idempotentHint: hint('idempotentHint'),
    openWorldHint: hint('openWorldHint'),
  }
}
