/**
 * Pages of tools (MCP Apps, the extension `io.modelcontextprotocol/ui`): a tool names the resource its
 * client shows for it, which lists of resources need not have.
 */
import { listedTools, member } from './listed-tools.ts'

/** The URIs of pages by tool name; a tool is missing that has none. */
export type AppPages = ReadonlyMap<string, readonly string[]>

/** The member that names a page: of `_meta.ui`, and in first drafts of `_meta` itself as `ui/resourceUri`. */
const MEMBER = 'resourceUri'

const NONE: AppPages = new Map()

/** Whether a resource may be the page of a tool: no other scheme may be named as one. */
export function isPage(uri: string): boolean {
  return uri.startsWith('ui://')
}

/**
 * The pages that the tools of a `tools/list` response name.
 *
 * @param response One JSON-RPC response that the strict scanner has passed.
 */
export function readAppPages(response: Uint8Array): AppPages {
  const { buffer, byteOffset, byteLength } = response
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  // Hardly any list has one, and then it need not be parsed.
  if (!bytes.includes(MEMBER)) return NONE
  const found = new Map<string, readonly string[]>()
  for (const { name, tool } of listedTools(bytes)) {
    const meta = member(tool, '_meta')
    const named = [member(member(meta, 'ui'), MEMBER), member(meta, `ui/${MEMBER}`)]
    const pages = named.filter((uri) => typeof uri === 'string').filter(isPage)
    if (pages.length > 0) found.set(name, pages)
  }
  return found
}
