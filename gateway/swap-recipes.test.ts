/** Holds the configurations of docs/swap.md to the program: each is accepted as it stands, with what it refers to. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { selfSignedRsa } from './testkit/certificates.ts'
import { warningsOf } from './testkit/settings-file.ts'

const PAGE = readFileSync(new URL('../docs/swap.md', import.meta.url), 'utf8')

const ENTRA = selfSignedRsa('gatehouse')

/** Everything that a recipe refers to. */
const FILES = {
  '/run/secrets/gatehouse/keys': `k1:${randomBytes(32).toString('base64url')}`,
  '/etc/gh/internal-ca.pem': ENTRA.cert,
  '/etc/gh/entra.pem': ENTRA.key,
  '/etc/gh/entra.crt': ENTRA.cert,
}
const SECRET = randomBytes(16).toString('hex')

const HEAD = `version: 1
public_url: https://gw.example
authorization_server: embedded
policies: [policy.yaml]
`
const SERVER = 'servers:\n  files:\n    upstream: https://files.internal/mcp\n'

/** A block as part of a whole configuration. */
function whole(block: string): string {
  const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(by))
  if (block.startsWith('credential:')) return HEAD + SERVER + indented(block, 4)
  if (block.startsWith('client:')) {
    return `${HEAD}${SERVER}providers:\n  microsoft:\n${indented(block, 4)}`
  }
  return HEAD + block + (block.includes('servers:') ? '' : SERVER)
}

const blocks = Array.from(PAGE.matchAll(/^```yaml\n(.*?)^```$/gms), ([, text = '']) => text)

for (const [at, block] of blocks.entries()) {
  if (block.startsWith('rules:')) continue
  test(`the configuration ${at + 1} of docs/swap.md is accepted without a warning`, async () => {
    const names = Array.from(block.matchAll(/\$\{env:(\w+)\}/g), ([, name = '']) => name)
    const env = Object.fromEntries(names.map((name) => [name, SECRET]))
    assert.deepEqual(await warningsOf(whole(block), { env, files: FILES }), [])
  })
}
