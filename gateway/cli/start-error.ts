/** What kept a gateway from starting, told at the setting that it is about. */
import { resolve } from 'node:path'
import { messageOf } from '../model/message-of.ts'
import { formatProblem } from '../server/load-all.ts'
import { readDocument } from './read-policies.ts'

/** The setting that an error names at its beginning, as in `audit.sink: cannot open …`. */
const NAMED = /^([a-z_]+(?:\.[a-z_]+)*): /

/**
 * The message of an error, after `file:line:column` where it begins with a setting that stands in the
 * configuration, and after the name of the program otherwise.
 */
export async function describeStartError(error: unknown, config: string): Promise<string> {
  const message = messageOf(error)
  const path = NAMED.exec(message)?.[1]?.split('.') ?? []
  const document = await readDocument(resolve(config))
  const [section = ''] = path
  const { data } = document.ok ? document : {}
  if (!document.ok || typeof data !== 'object' || data === null || !(section in data)) {
    return `gatehouse: ${message}`
  }
  return formatProblem({ file: document.file, ...document.at(path), message })
}
