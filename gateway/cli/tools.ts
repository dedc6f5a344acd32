/** `gatehouse tools`: the tools that servers have listed, as rules name them. */
import { ADMIN_USAGE, runAdminVerb } from './admin-client.ts'
import type { Io } from './io.ts'
import { readLines } from './read-lines.ts'

const USAGE = `Usage: gatehouse tools [OPTIONS]

Prints the tools that servers have listed to anybody since the gateway was started, one a line, as rules
name them: server/tool. "gatehouse check --tools" holds rules against it.

${ADMIN_USAGE}`

/** Resolves with the exit code: 0 printed, 1 the gateway cannot be asked. */
export async function tools(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  return runAdminVerb({ args, usage: USAGE, io, fetch }, async (ask) => {
    const { tools: listed } = await ask('GET', '/admin/tools')
    const lines = Object.entries(Object(listed)).flatMap(([server, names]) =>
      (Array.isArray(names) ? names : []).map((name) => `${server}/${String(name)}`),
    )
    if (lines.length === 0)
      io.err('no list has passed yet: have a client ask a server for its tools')
    for (const line of lines) {
      // Names come from servers; one that would not be a line is none that a rule should have.
      if (!/\p{Cc}/u.test(line)) io.out(line)
    }
    return 0
  })
}

/**
 * Reads what `gatehouse tools` has printed: the tools of each server.
 *
 * @param file A path; `-` is standard input.
 * @throws what reading throws, and an Error for a line that is no tool.
 */
export async function readTools(file: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const tools = new Map<string, Set<string>>()
  await readLines(file, (line, place) => {
    const cut = line.indexOf('/')
    if (line === '') return
    if (cut < 1) throw new Error(`${place} is no tool: a line is server/tool`)
    const server = line.slice(0, cut)
    const names = tools.get(server) ?? new Set()
    tools.set(server, names.add(line.slice(cut + 1)))
  })
  return tools
}
