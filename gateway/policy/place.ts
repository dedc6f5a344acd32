/** Target texts (`server/glob`, `server:uri-glob`, a method) against the configured servers. */
import type { Area } from './coverage.ts'
import { compileGlob, type Glob, matchesGlob } from './glob.ts'
import { globProblem, nameGlobProblem } from './glob-problem.ts'

/** The servers that rules can speak of. */
export type Servers = {
  readonly names: readonly string[]
  /** Those whose resource URIs have no canonical form, so that only exact URIs say what they seem to. */
  readonly opaque: ReadonlySet<string>
  /** Names of the credentials that rules may choose, by server; absent where no configuration says. */
  readonly credentials?: ReadonlyMap<string, readonly string[]>
}

/** Where a target text points: a glob, on these servers. */
export type Place =
  | { readonly ok: true; readonly servers: readonly string[]; readonly glob: Glob }
  | { readonly ok: false; readonly message: string }

/** Server names listed in a message before it stops being one. */
const MAX_LISTED = 12

/** Reads a target of the list for this area. Methods name no server: theirs are all. */
export function placeTarget(area: Area, text: string, servers: Servers): Place {
  if (area === 'methods') return placeGlob(text, nameGlobProblem(text), servers.names)
  const name = serverPart(area, text)
  // "docs/file:///a" has a server like a tool, and a scheme after it.
  if (name === undefined || (area === 'resources' && name.includes('/'))) {
    const example = area === 'resources' ? 'docs:file:///reports/**' : 'docs/read_*'
    return fails(`"${text}" must name a server and a glob, like "${example}"`)
  }
  const place = placeServer(name, servers)
  if (!place.ok) return place
  const glob = text.slice(name.length + 1)
  if (area !== 'resources') return placeGlob(glob, nameGlobProblem(glob), place.servers)
  return placeGlob(
    glob,
    globProblem(glob) ?? opaqueProblem(glob, place.servers, servers),
    place.servers,
  )
}

/** The server part of a target as written; undefined when it has none, or nothing after it. */
export function serverPart(area: Area, text: string): string | undefined {
  const cut = area === 'methods' ? -1 : text.indexOf(area === 'resources' ? ':' : '/')
  return cut <= 0 || cut === text.length - 1 ? undefined : text.slice(0, cut)
}

/** Reads an entry of `servers`, or the server part of a target: a name or a glob that finds some server. */
export function placeServer(text: string, servers: Servers): Place {
  const glob = compileGlob(text)
  const found = servers.names.filter((name) => matchesGlob(glob, name))
  if (found.length > 0) return placeGlob(text, nameGlobProblem(text), found)
  const { names } = servers
  const listed = names.slice(0, MAX_LISTED).join(', ') + (names.length > MAX_LISTED ? ', …' : '')
  const there = names.length === 0 ? 'there are none' : `there are ${listed}`
  return fails(nameGlobProblem(text) ?? `no configured server matches "${text}"; ${there}`)
}

/** Where a URI can be spelled in many ways, a glob neither holds what it seems to nor keeps it out. */
function opaqueProblem(
  glob: string,
  names: readonly string[],
  { opaque }: Servers,
): string | undefined {
  const name = names.find((one) => opaque.has(one))
  if (name === undefined || glob === '**' || compileGlob(glob).shape === 'literal') return undefined
  return `resource URIs of "${name}" are opaque: name them exactly, or all of them with "**"`
}

function placeGlob(glob: string, problem: string | undefined, names: readonly string[]): Place {
  return problem === undefined
    ? { ok: true, servers: names, glob: compileGlob(glob) }
    : fails(problem)
}

function fails(message: string): Place {
  return { ok: false, message }
}
