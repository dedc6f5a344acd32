/** Rules about tools that are not there: most likely a slip of the pen, which nothing else would show. */
import type { Problem } from '../model/problem.ts'
import type { Coverage } from './coverage.ts'
import type { Rule, Rules } from './rules.ts'

/**
 * A warning for each tool that a rule names in full, or excepts, and that none of its servers lists. Nothing is
 * said of a name while a server that it may belong to is one whose tools are not known.
 *
 * @param toolsOf The tools of a server; none where they are not known.
 */
export function findUnlisted(
  rules: Rules,
  toolsOf: (server: string) => ReadonlySet<string>,
): readonly Problem[] {
  const places = new Map<Rule, Map<string, string[]>>()
  for (const [server, { reaches }] of rules.servers) {
    for (const { rule, coverage } of reaches) {
      const named = places.get(rule) ?? new Map<string, string[]>()
      places.set(rule, named)
      for (const tool of toolsIn(coverage)) named.set(tool, [...(named.get(tool) ?? []), server])
    }
  }
  return [...places].flatMap(([{ id, file, line, column }, named]) =>
    [...named].flatMap(([tool, servers]) => {
      const listed = servers.map(toolsOf)
      if (listed.some((tools) => tools.size === 0 || tools.has(tool))) return []
      const of = servers.map((server) => `"${server}"`).join(' or ')
      const message = `the rule "${id}" names the tool "${tool}", which no list of ${of} has shown`
      return [{ file, line, column, message }]
    }),
  )
}

/** Tools that are named without a wildcard. */
function toolsIn({ included, excepted }: Coverage): ReadonlySet<string> {
  const globs = [...included.tools, ...excepted.tools]
  return new Set(globs.flatMap(({ shape, text }) => (shape === 'literal' ? [text] : [])))
}
