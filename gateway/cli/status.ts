/** `gatehouse status`: what a running gateway says of itself. */
import { parseArgs } from 'node:util'
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'

const USAGE = `Usage: gatehouse status [--json] [OPTIONS]

Asks a running gateway how it is. The exit code is 0 when it is ready for traffic, else 1.

  --json             print the answer as it came, for programs
${ADMIN_USAGE}`

/** Resolves with the exit code: 0 the gateway is ready, 1 it is not or cannot be asked. */
export async function status(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  const options = { ...ADMIN_OPTIONS, json: { type: 'boolean' } } as const
  const { values } = parseArgs({ args: [...args], options })
  if (values.help === true) {
    io.out(USAGE)
    return 0
  }
  return withAdmin({ values, io, fetch }, async (ask) => {
    const answer = await ask('GET', '/admin/status')
    if (values.json === true) io.out(JSON.stringify(answer, undefined, 2))
    else for (const line of lines(answer)) io.out(line)
    return answer['ready'] === true ? 0 : 1
  })
}

/** The fields of an answer as indented lines. What an answer holds is the gateway's to decide. */
function* lines(fields: object, indent = ''): Generator<string> {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null) yield `${indent}${name}: ${String(value)}`
    else if (Object.keys(value).length === 0) yield `${indent}${name}: none`
    else {
      yield `${indent}${name}:`
      yield* lines(value, `${indent}  `)
    }
  }
}
