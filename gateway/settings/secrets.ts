/**
 * Secrets never stand in a configuration file. A value refers to them: `${env:NAME}` and
 * `${file:/path}`, with plain text around, as in `Bearer ${env:TOKEN}`. No message repeats a value.
 */
import type { Path } from '../model/problem.ts'
import { Secret } from '../model/secret.ts'
import type { Reading } from './reading.ts'

/** `${kind:name}`; what kinds there are is decided where it is resolved, so that others are reported. */
const REFERENCE = /\$\{([^}]*)\}/g

/** Values from templates and tutorials that nobody meant as a secret. */
const PLACEHOLDER =
  /^(change[-_ ]?(me|it).*|(my|your)[-_ ]?(api|secret|token|key|password).*|.*(example|placeholder).*|secret|password|token|test|none|null|undefined|[x*.0-]+|<.*>)$/i

/** Whether a value is a stand-in rather than a secret. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value.trim())
}

/** Whether any part of `template` refers to a secret. */
export function hasReference(template: string): boolean {
  return template.search(REFERENCE) >= 0
}

/**
 * The secret written at `path` with its references resolved; undefined when something about it is
 * reported: no reference at all, an unknown kind, a missing or empty source, a placeholder.
 */
export async function readSecret(
  reading: Reading,
  path: Path,
  template: string,
): Promise<Secret | undefined> {
  if (!hasReference(template)) {
    const advice = 'refer to it as ${env:NAME} or ${file:/path}'
    reading.report(path, `a secret must not stand in the configuration file; ${advice}`)
    return undefined
  }
  const parts: string[] = []
  let end = 0
  let complete = true
  for (const match of template.matchAll(REFERENCE)) {
    const value = await resolveReference(reading, path, match[1] ?? '')
    parts.push(template.slice(end, match.index), value ?? '')
    end = match.index + match[0].length
    complete &&= value !== undefined
  }
  parts.push(template.slice(end))
  return complete ? new Secret(parts.join('')) : undefined
}

/** Names of headers that carry a secret, for which a literal value is refused. */
const SECRET_HEADER = /auth|key|token|secret|password|cookie/i

/** The headers written at `path`, those with secrets resolved; what is reported about one is left out. */
export async function readHeaders(
  reading: Reading,
  path: Path,
  written: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Secret>> {
  const headers = new Map<string, Secret>()
  for (const [name, text] of Object.entries(written)) {
    const isSecret = hasReference(text) || SECRET_HEADER.test(name)
    const value = isSecret ? await readSecret(reading, [...path, name], text) : new Secret(text)
    if (value !== undefined) headers.set(name, value)
  }
  return headers
}

/** The value of one `kind:name`; undefined when something about it is reported. */
async function resolveReference(
  reading: Reading,
  path: Path,
  reference: string,
): Promise<string | undefined> {
  const colon = reference.indexOf(':')
  const kind = reference.slice(0, colon)
  const name = reference.slice(colon + 1)
  if ((kind !== 'env' && kind !== 'file') || name === '') {
    reading.report(
      path,
      `unknown reference "\${${reference}}"; write \${env:NAME} or \${file:/path}`,
    )
    return undefined
  }
  const what = kind === 'env' ? `environment variable ${name}` : reading.absolute(name)
  const value =
    kind === 'env' ? reading.env[name] : (await reading.readText(path, name))?.replace(/\r?\n$/, '')
  if (value === undefined) {
    if (kind === 'env') reading.report(path, `${what} is not set`)
    return undefined
  }
  if (value !== '' && !isPlaceholder(value)) return value
  reading.report(path, value === '' ? `${what} is empty` : `${what} holds a placeholder`)
  return undefined
}
