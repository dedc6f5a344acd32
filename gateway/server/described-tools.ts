/** What a server says of its tools, for people who decide about them. */
import type { Tool } from '../issuer/setup.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import { plainName } from '../pages/html.ts'
import type { Plant } from './plant.ts'

/** The tools of a server that were ever listed, by name; those that are kept back are left out. */
export async function describedTools(
  { pins, catalogue }: Pick<Plant, 'pins' | 'catalogue'>,
  server: string,
): Promise<readonly Tool[]> {
  // Pins outlive the process, so they know tools that nobody has listed since it started.
  const pinned = (await pins.list('all')).filter((tool) => tool.server === server)
  const held = new Set(pinned.filter((tool) => tool.held).map(({ tool }) => tool))
  // Of several definitions the last is the newest.
  const texts = new Map(pinned.map(({ tool, definitions }) => [tool, definitions.at(-1)?.text]))
  const names = new Set([...pinned.map(({ tool }) => tool), ...catalogue.names(server, 'tool')])
  return [...names]
    .filter((name) => !held.has(name))
    .toSorted()
    .map((name) => ({
      name,
      summary: summaryOf(texts.get(name)),
      effect: effectOf(catalogue.traits(server, name)),
    }))
}

/** Characters of a summary. */
const MAX_SUMMARY_CHARS = 120

/** What a definition says the tool is for: its title, or the first sentence about it. */
export function summaryOf(definition: string | undefined): string {
  const tool = parse(definition)
  const own: unknown = Reflect.get(tool, 'title')
  const annotated: unknown = Reflect.get(Object(Reflect.get(tool, 'annotations')), 'title')
  const described: unknown = Reflect.get(tool, 'description')
  const sentence =
    typeof described === 'string' ? (/^.*?[.!?](?=\s|$)/s.exec(described)?.[0] ?? described) : ''
  const said = [own, annotated, sentence].find((text) => typeof text === 'string' && text !== '')
  return typeof said === 'string' ? plainName(said, MAX_SUMMARY_CHARS) : ''
}

/** Only the beginning of a long definition is kept: then nothing can be read. */
function parse(definition: string | undefined): object {
  try {
    return Object(JSON.parse(definition ?? '{}'))
  } catch {
    return {}
  }
}

/** Callers may be shown different definitions; people are told the worst of them. */
function effectOf(traits: readonly ToolTraits[]): Tool['effect'] {
  if (traits.length === 0) return 'unsaid'
  if (traits.every(({ readOnlyHint }) => readOnlyHint)) return 'reads'
  const isHarmless = traits.every((one) => one.readOnlyHint || !one.destructiveHint)
  return isHarmless ? 'changes' : 'deletes'
}
