import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warningsOf } from '../testkit/settings-file.ts'

const CONFIG = `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
servers: { docs: { upstream: 'https://up.example/mcp', anonymous: false } }
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
audit: { sink: /log/audit.jsonl }
state: { file: /state/gatehouse.db }
`

/** The warnings where these paths cannot be written to, each with the error code of its reason. */
async function warnings(obstacles: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return await warningsOf(CONFIG, {
    askWritable: async (path) => {
      const code = obstacles[path]
      if (code !== undefined) throw Object.assign(new Error(code), { code })
    },
  })
}

const ABSENT = { '/log/audit.jsonl': 'ENOENT', '/state/gatehouse.db': 'ENOENT' }

test('outputs that are there, or whose directory is, are no reason to warn', async () => {
  assert.deepEqual(await warnings({}), [])
  assert.deepEqual(await warnings(ABSENT), [])
})

test('a missing directory of the audit log and of the state file is a warning', async () => {
  assert.deepEqual(await warnings({ ...ABSENT, '/log': 'ENOENT', '/state': 'ENOENT' }), [
    '6:10 audit.sink: the directory /log does not exist',
    '7:10 state.file: the directory /state does not exist',
  ])
})

test('a file or a directory that cannot be written to is a warning', async () => {
  const obstacles = {
    '/log/audit.jsonl': 'EACCES',
    '/state/gatehouse.db': 'ENOENT',
    '/state': 'EROFS',
  }
  assert.deepEqual(await warnings(obstacles), [
    '6:10 audit.sink: /log/audit.jsonl cannot be written to by this user (EACCES)',
    '7:10 state.file: /state cannot be written to by this user (EROFS)',
  ])
})

test('who starts nothing else does not look, and standard output needs no directory', async () => {
  assert.deepEqual(await warningsOf(CONFIG), [])
  const text = CONFIG.replace('/log/audit.jsonl', 'stdout').replace(
    'file: /state/gatehouse.db',
    'driver: memory',
  )
  const askWritable = async (): Promise<void> => {
    throw new Error('asked')
  }
  assert.deepEqual(await warningsOf(text, { askWritable }), [])
})
