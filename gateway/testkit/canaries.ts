/**
 * What must be nowhere: the secrets that a gateway under test was given, and the tokens that were made for its
 * callers. Every test gateway is looked through when it stops: its log, its audit log and its state.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Shorter values are words that may stand anywhere. */
const MIN_CHARS = 16

/** Files a test gateway writes; the others hold its configuration. */
const WRITTEN = /\.jsonl$|\.db(?:-wal)?$/

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
  const names = (await readdir(place.directory)).filter((name) => WRITTEN.test(name))
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(place.directory, name), 'latin1')]),
  )
  const all = [...files, ['the log', place.log]]
  return Array.from(secrets).flatMap((secret) =>
    all.flatMap(([where = '', text = '']) =>
      text.includes(secret) ? [`${secret.slice(0, 8)}… in ${where}`] : [],
    ),
  )
}
