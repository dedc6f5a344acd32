/** A configuration in memory: its text, the files it refers to and the environment. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { LoadOptions } from '../settings/load.ts'
import { loadSettings } from '../settings/load.ts'

/** Where the text given to the functions below is said to stand. */
export const CONFIG_FILE = '/etc/gh/gatehouse.yaml'

/** One policy that exists everywhere here. */
export const POLICY_FILE = '/etc/gh/policy.yaml'

const FILES: Readonly<Record<string, string>> = { [POLICY_FILE]: 'version: 1\nrules: []\n' }
const RING = `k1:${randomBytes(32).toString('base64url')}`

export type World = Pick<LoadOptions, 'now' | 'askWritable'> & {
  /** A key ring is there unless `GATEHOUSE_KEYS` says otherwise. */
  readonly env?: Readonly<Record<string, string>>
  /** By absolute path; every other file is missing. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
}

export function loadText(text: string, { env = {}, files = {}, ...world }: World = {}) {
  const known: World['files'] = { ...FILES, [CONFIG_FILE]: text, ...files }
  return loadSettings({
    ...world,
    file: CONFIG_FILE,
    env: { GATEHOUSE_KEYS: RING, ...env },
    readFile: (file) => {
      const content = known[file]
      if (content !== undefined) return Promise.resolve(Buffer.from(content))
      return Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }))
    },
  })
}

/** The settings of a text that must be accepted. */
export async function settingsOf(text: string, world?: World) {
  const result = await loadText(text, world)
  assert.ok(result.ok, result.ok ? '' : inspect(result.problems))
  return result.settings
}

/** `line:column message` of each problem; none when the text is accepted. */
export async function problemsOf(text: string, world?: World): Promise<readonly string[]> {
  const result = await loadText(text, world)
  if (result.ok) return []
  assert.ok(result.problems.every(({ file }) => file === CONFIG_FILE))
  return result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

/** `line:column message` of each warning about a text that must be accepted. */
export async function warningsOf(text: string, world?: World): Promise<readonly string[]> {
  const result = await loadText(text, world)
  assert.ok(result.ok, result.ok ? '' : inspect(result.problems))
  return result.warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

/** An upstream, as an entry of a server names it. */
export const UP = `upstream: 'https://up.example/mcp'`

/** A configuration whose servers begin on line 6. */
export function servers(text: string, publicUrl = 'https://mcp.example'): string {
  return `version: 1
public_url: ${publicUrl}
policies: [policy.yaml]
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
servers:
${text}
`
}
