/**
 * The page of a tool (MCP Apps) may be read by whoever may call the tool: clients fetch it to show what the
 * tool returns, and no list need have it.
 */
import { isPage } from '../mcp/app-pages.ts'
import type { Call, Target } from '../model/call.ts'
import type { Catalogue } from './catalogue.ts'

/** Whether a call reads what may be the page of a tool. */
export function readsPage({ method, targets }: Call): boolean {
  return method === 'resources/read' && targets.some(({ name }) => isPage(name))
}

/** The call with the tools that are known to name what it reads. */
export function nameTools(call: Call, server: string, catalogue: PageCatalogue): Call {
  if (!readsPage(call)) return call
  return { ...call, targets: call.targets.map((target) => withTools(target, server, catalogue)) }
}

/** A resource with the tools that are known to name it as their page; anything else as it is. */
export function withTools(target: Target, server: string, catalogue: PageCatalogue): Target {
  if (target.kind !== 'resource' || !isPage(target.name)) return target
  const tools = catalogue.toolsOf(server, target.name)
  return tools.length === 0 ? target : { ...target, tools }
}

type PageCatalogue = Pick<Catalogue, 'toolsOf'>
