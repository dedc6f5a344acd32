/** `gatehouse status`: what a running gateway says of itself. */
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'
import { readArgs } from './usage.ts'

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
  const given = readArgs(args, { usage: USAGE, options }, io)
  if (given === undefined) return 0
  const { values } = given
  return withAdmin({ values, io, fetch }, async (ask) => {
    const answer = await ask('GET', '/admin/status')
    if (values.json === true) io.out(JSON.stringify(answer, undefined, 2))
    else for (const line of lines(answer)) io.out(line)
    return answer['ready'] === true ? 0 : 1
  })
}

/** One line for each fact, values in one column. What an answer holds is the gateway's to decide. */
function lines(fields: object): readonly string[] {
  const table = [...rows(fields)]
  const width = Math.max(...table.map(([label]) => label.length)) + 2
  return table.map(([label, value]) => `${label.padEnd(width)}${value}`.trimEnd())
}

function* rows(fields: object, indent = ''): Generator<readonly [label: string, value: string]> {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    const label = indent + wordsOf(name)
    if (Array.isArray(value)) {
      const items = value.length === 0 ? ['none'] : value.map(textOf)
      for (const [index, item] of items.entries()) yield [index === 0 ? label : '', item]
    } else if (typeof value !== 'object' || value === null || 'state' in value) {
      yield [label, name.endsWith('Ms') ? timeText(value) : textOf(value)]
    } else {
      yield [label, '']
      yield* rows(value, `${indent}  `)
    }
  }
}

/** `lastReload` as `last reload`; a time needs no unit. */
function wordsOf(name: string): string {
  return name.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/** The values of a small object (a server, the state of a check) side by side. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.values(value).map(String).join('  ')
}

/** RFC 3339 of epoch milliseconds. */
function timeText(value: unknown): string {
  return typeof value === 'number' ? new Date(value).toISOString() : textOf(value)
}
