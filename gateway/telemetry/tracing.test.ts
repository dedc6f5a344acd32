import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

async function sources(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(import.meta.dirname)).filter((name) => !name.endsWith('.test.ts'))
  const texts = names.map(
    async (name) => [name, await readFile(join(import.meta.dirname, name), 'utf8')] as const,
  )
  return new Map(await Promise.all(texts))
}

test('OpenTelemetry is imported by trace.ts alone, and trace.ts only when tracing is opened', async () => {
  for (const [name, text] of await sources()) {
    assert.equal(/from '@opentelemetry/.test(text), name === 'trace.ts', name)
    assert.doesNotMatch(text, /from '\.\/trace\.ts'/, name)
  }
})
