import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeStartError } from './start-error.ts'

test('what keeps a gateway from starting is told at its setting, where that is in the file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-start-'))
  const file = join(directory, 'gatehouse.yaml')
  await writeFile(file, 'version: 1\naudit:\n  sink: /nope/audit.jsonl\nlisten: { port: 8787 }\n')
  const rows = [
    ['audit.sink: cannot open it', `${file}:3:9 audit.sink: cannot open it`],
    ['listen: cannot listen', `${file}:4:9 listen: cannot listen`],
    ['ops: cannot listen', 'gatehouse: ops: cannot listen'],
    ['a worker did not start', 'gatehouse: a worker did not start'],
  ] as const
  for (const [message, says] of rows) {
    assert.equal(await describeStartError(new Error(message), file), says)
  }
  await rm(directory, { recursive: true })
  const gone = await describeStartError(new Error('listen: cannot listen'), file)
  assert.equal(gone, 'gatehouse: listen: cannot listen')
})
