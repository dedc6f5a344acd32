/** What a server says of its tools, for people who decide about them. */
import type { Tool } from '../issuer/setup.ts'
import type { Plant } from './plant.ts'

/** The tools of a server that were ever listed, by name; those that are kept back are left out. */
export async function describedTools(
  { pins, catalogue }: Pick<Plant, 'pins' | 'catalogue'>,
  server: string,
): Promise<readonly Tool[]> {
  const pinned = (await pins.list('all')).filter((tool) => tool.server === server)
  const described = new Map(
    pinned.map(({ tool, held, definitions }) => [tool, { held, texts: definitions }]),
  )
  const names = new Set([...described.keys(), ...catalogue.names(server, 'tool')])
  return [...names].toSorted().flatMap((name) => {
    const found = described.get(name)
    if (found?.held === true) return []
    const definitions = (found?.texts ?? []).map(({ text }) => parse(text))
    return [{ name, title: titleOf(definitions), effect: effectOf(definitions) }]
  })
}

type Definition = Readonly<Record<string, unknown>>

/** Callers may see different definitions; people are told the worst of them. */
function effectOf(definitions: readonly Definition[]): Tool['effect'] {
  const effects = definitions.map(effectOfOne)
  // MCP, ToolAnnotations: what a server does not say may destroy.
  if (effects.length === 0 || effects.includes('deletes')) return 'deletes'
  return effects.includes('changes') ? 'changes' : 'reads'
}

function effectOfOne({ annotations }: Definition): Tool['effect'] {
  const hints = isRecord(annotations) ? annotations : {}
  if (hints['readOnlyHint'] === true) return 'reads'
  return hints['destructiveHint'] === false ? 'changes' : 'deletes'
}

function titleOf(definitions: readonly Definition[]): string | undefined {
  for (const { title, annotations } of definitions) {
    const named = title ?? (isRecord(annotations) ? annotations['title'] : undefined)
    if (typeof named === 'string' && named !== '') return named
  }
  return undefined
}

/** One definition as JSON; where callers see several of one name, they stand one in a line. */
function parse(text: string | undefined): Definition {
  try {
    const value: unknown = JSON.parse(text?.split('\n', 1)[0] ?? '')
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

function isRecord(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
