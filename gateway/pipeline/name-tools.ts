/**
 * The page of a tool (MCP Apps) may be read by whoever may call the tool: clients fetch it to show what the
 * tool returns, and no list need have it.
 */
import { isPage } from '../mcp/app-pages.ts'
import type { Call, Target } from '../model/call.ts'
import type { McpServer } from '../model/server.ts'
import type { Catalogue } from './catalogue.ts'
import type { Pins } from './pins.ts'

/** Whether a call reads what may be the page of a tool. */
export function readsPage({ method, targets }: Call): boolean {
  return method === 'resources/read' && targets.some(({ name }) => isPage(name))
}

/** The call with the tools that are known to name what it reads. */
export function nameTools(call: Call, server: McpServer, known: Known): Call {
  if (!readsPage(call)) return call
  return { ...call, targets: call.targets.map((target) => withFreeTools(target, server, known)) }
}

/** The same of one target. A tool that is kept back brings no page along. */
export function withFreeTools(target: Target, server: McpServer, known: Known): Target {
  const named = withTools(target, server.name, known.catalogue)
  if (named.tools === undefined || server.pin !== 'hold') return named
  const tools = named.tools.filter((tool) => !known.pins.isHeld(server.name, tool))
  return tools.length === 0 ? target : { ...target, tools }
}

/** A resource with the tools that are known to name it as their page; anything else as it is. */
export function withTools(target: Target, server: string, catalogue: PageCatalogue): Target {
  if (target.kind !== 'resource' || !isPage(target.name)) return target
  const tools = catalogue.toolsOf(server, target.name)
  return tools.length === 0 ? target : { ...target, tools }
}

type PageCatalogue = Pick<Catalogue, 'toolsOf'>

type Known = { readonly catalogue: PageCatalogue; readonly pins: Pick<Pins, 'isHeld'> }
