/**
 * What must be nowhere: the secrets that a gateway under test was given, and the tokens that were made for its
 * callers. Every test gateway is looked through when it stops: its log, its audit log and its state.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Child } from './child.ts'

/** Shorter values are words that may stand anywhere. */
const MIN_CHARS = 16

/** Files a test gateway writes; the others hold its configuration. */
const WRITTEN = /\.jsonl$|\.db(?:-wal)?$/

/** The first three letters alone stand in sealed bytes by chance. */
export const A_JWT = /eyJ[\w-]{8,}\.[\w-]{8,}\./

/** The secret parts of environment variables: whole values, and the keys of a ring without their ids. */
export function secretsOf(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(env)
    .filter((value) => !/^(?:\w+:\/\/|\/)/.test(value))
    .flatMap((value) => value.split(',').map((part) => part.replace(/^[\w-]{1,32}:/, '')))
    .filter((value) => value.length >= MIN_CHARS)
}

/** Where any of them stands in clear, one line each; the first characters of it stand for the rest. */
export async function findLeaks(
  place: { readonly directory: string; readonly log: string },
  secrets: Iterable<string>,
): Promise<readonly string[]> {
  const all = [...(await filesWritten(place.directory)), ['the log', place.log] as const]
  return Array.from(secrets).flatMap((secret) =>
    all.flatMap(([where, text]) =>
      text.includes(secret) ? [`${secret.slice(0, 8)}… in ${where}`] : [],
    ),
  )
}

/** All that a running gateway has written and says: audit log, state, log and metrics. */
export async function writtenBy(gateway: {
  readonly directory: string
  readonly child: Pick<Child, 'output'>
  metrics(): Promise<string>
}): Promise<string> {
  const files = await filesWritten(gateway.directory)
  const texts = files.map(([, text]) => text)
  return [...texts, await gateway.metrics(), gateway.child.output()].join('\n')
}

async function filesWritten(directory: string): Promise<(readonly [name: string, text: string])[]> {
  const names = (await readdir(directory)).filter((name) => WRITTEN.test(name))
  return await Promise.all(
    names.map(async (name) => [name, await readFile(join(directory, name), 'latin1')] as const),
  )
}
