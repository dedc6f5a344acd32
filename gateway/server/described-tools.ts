/** What a server says of its tools, for people who decide about them. */
import type { Tool } from '../issuer/setup.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import type { Plant } from './plant.ts'

/** The tools of a server that were ever listed, by name; those that are kept back are left out. */
export async function describedTools(
  { pins, catalogue }: Pick<Plant, 'pins' | 'catalogue'>,
  server: string,
): Promise<readonly Tool[]> {
  // Pins outlive the process, so they know tools that nobody has listed since it started.
  const pinned = (await pins.list('all')).filter((tool) => tool.server === server)
  const held = new Set(pinned.filter((tool) => tool.held).map(({ tool }) => tool))
  const names = new Set([...pinned.map(({ tool }) => tool), ...catalogue.names(server, 'tool')])
  return [...names]
    .filter((name) => !held.has(name))
    .toSorted()
    .map((name) => ({ name, effect: effectOf(catalogue.traits(server, name)) }))
}

/** Callers may be shown different definitions; people are told the worst of them. */
function effectOf(traits: readonly ToolTraits[]): Tool['effect'] {
  if (traits.length === 0) return 'unsaid'
  if (traits.every(({ readOnlyHint }) => readOnlyHint)) return 'reads'
  const isHarmless = traits.every((one) => one.readOnlyHint || !one.destructiveHint)
  return isHarmless ? 'changes' : 'deletes'
}
