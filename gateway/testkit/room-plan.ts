/**
 * Reads the plan of the rooms and says which source files break it. Knows nothing of the disk: the
 * plan and the sources come in as text, so that the checker itself can be tested with made-up ones.
 *
 * Imports are found by pattern, not by a parser: the formatter puts every static import at the start
 * of a line, and whatever else looks like one is read as one (too strict is fine, too lax is not).
 */
import { builtinModules } from 'node:module'
import { posix } from 'node:path'

/** One row of the plan: what the room may import. */
export type Room = {
  readonly name: string
  readonly rooms: ReadonlySet<string>
  readonly packages: ReadonlySet<string>
}

/** A file by its path under `gateway/`, for example `mcp/scan.ts`. */
export type Source = { readonly path: string; readonly text: string }

/** Folders outside the plan: what only tests use, free to import anything. */
const FREE = new Set(['testkit', 'e2e'])

/** What a test or property file may import beyond its room's row. */
const TEST_PACKAGES = new Set(['fast-check'])

const TEST_FILE = /\.(?:test|fuzz|store)\.ts$/

/** Returns the rows of the ```rooms block of `gateway/README.md`, top floor first. */
export function readPlan(readme: string): readonly Room[] {
  const block = /^```rooms\n(.*?)^```$/ms.exec(readme)?.[1]
  if (block === undefined) throw new Error('gateway/README.md has no ```rooms block')
  return block
    .trimEnd()
    .split('\n')
    .map((line) => {
      const row = /^(?<name>[a-z]+)\s*>(?<rooms>[^:]*)(?::(?<packages>.*))?$/.exec(line)?.groups
      if (row === undefined) throw new Error(`not a row of the rooms plan: "${line}"`)
      return { name: row['name']!, rooms: words(row['rooms']), packages: words(row['packages']) }
    })
}

/** Returns what is wrong with the plan itself: a row that points up or sideways, a package with two doors. */
export function planFaults(plan: readonly Room[]): readonly string[] {
  const faults: string[] = []
  const doors = new Map<string, string>()
  const floor = new Map(plan.map((room, index) => [room.name, index]))
  if (floor.size < plan.length) faults.push('a room has two rows')
  for (const room of plan) {
    for (const below of room.rooms) {
      const index = floor.get(below)
      if (index === undefined) faults.push(`${room.name} lists ${below}, which has no row`)
      else if (index <= floor.get(room.name)!) faults.push(`${room.name} lists ${below}, uphill`)
    }
    for (const name of room.packages) {
      const other = doors.get(name)
      if (other !== undefined) faults.push(`${name} enters through ${other} and ${room.name}`)
      doors.set(name, room.name)
    }
  }
  return faults
}

/** Returns one line per import that its room's row does not list, and per room without a row. */
export function importFaults(plan: readonly Room[], sources: readonly Source[]): readonly string[] {
  const rows = new Map(plan.map((room) => [room.name, room]))
  return sources.flatMap(({ path, text }) => {
    const place = roomOf(path)
    if (FREE.has(place) || (place === '' && TEST_FILE.test(path))) return []
    const row = rows.get(place)
    if (row === undefined) return [`${path}: "${place}" has no row`]
    return importsOf(text)
      .filter((specifier) => !mayImport(row, path, specifier))
      .map((specifier) => `${path}: imports ${specifier}`)
  })
}

/**
 * Returns every module a source names: static, type-only, side-effect and dynamic imports,
 * re-exports, and code opened by URL (worker threads; data files are no imports). What is computed,
 * by `createRequire` too, is given as `(computed)`, which no row lists.
 */
export function importsOf(text: string): readonly string[] {
  const patterns = [
    /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /\bimport(?:\.meta\.resolve)?\(\s*(?:['"`]([^'"`$]+)['"`]\s*[,)])?/g,
    /\bcreateRequire\(/g,
    /\bnew URL\(\s*['"`]([^'"`]+(?<!\.json|\.yaml))['"`],\s*import\.meta\.url/g,
  ]
  return patterns.flatMap((pattern) =>
    Array.from(text.matchAll(pattern), (match) => match[1] ?? '(computed)'),
  )
}

function mayImport(row: Room, path: string, specifier: string): boolean {
  const isTest = TEST_FILE.test(path)
  if (specifier.startsWith('node:')) return true
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier)
    if (builtinModules.includes(name)) return false
    return row.packages.has(name) || (isTest && TEST_PACKAGES.has(name))
  }
  const target = roomOf(posix.join(posix.dirname(path), specifier))
  return target === row.name || row.rooms.has(target) || (isTest && target === 'testkit')
}

/** The folder a path under `gateway/` is in: empty at the top, `..` outside. */
function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : ''
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function words(text: string | undefined): ReadonlySet<string> {
  return new Set((text ?? '').split(/\s+/).filter((word) => word !== ''))
}
