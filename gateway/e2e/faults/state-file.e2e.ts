/** What happens to the state file when other processes are killed while they write, or hold its lock. */
import assert from 'node:assert/strict'
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Readable, Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import { storeError } from '../../state/contract-rule.ts'
import { openSqliteStore } from '../../state/sqlite.ts'

const STORE = JSON.stringify(new URL('../../state/sqlite.ts', import.meta.url).href)

/** Writes without end, and prints each key once it is acknowledged. */
const WRITER = `
  import { writeSync } from 'node:fs'
  import { openSqliteStore } from ${STORE}
  const [file, round] = process.argv.slice(1)
  const store = await openSqliteStore({ file })
  // At once, or the kill could come between; whoever reads may be behind.
  function say(line) {
    for (;;) {
      try {
        writeSync(1, line)
        return
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error
      }
    }
  }
  async function write(writer) {
    for (let i = 0; ; i += 1) {
      const key = 'w/' + round + '/' + writer + '/' + i
      await store.put(key, 'value of ' + key)
      say(key + '\\n')
    }
  }
  for (let writer = 0; writer < 20; writer += 1) void write(writer)
`

/** Takes the write lock, says so, and gives it back when its input ends. */
const HOLDER = `
  import { DatabaseSync } from 'node:sqlite'
  const database = new DatabaseSync(process.argv[1])
  database.exec('BEGIN IMMEDIATE')
  process.stdout.write('locked')
  process.stdin.on('end', () => database.close()).resume()
`

type Child = ChildProcessByStdio<Writable, Readable, null>

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-state-'))
})

after(() => rmSync(directory, { recursive: true, force: true }))

function start(code: string, ...args: readonly string[]): Child {
  return spawn(process.execPath, ['--input-type=module', '--eval', code, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** Kills a writer after it acknowledged some writes; returns what it had acknowledged. */
async function killWriter(file: string, round: number): Promise<readonly string[]> {
  const child = start(WRITER, file, `${round}`)
  const killAfter = 1 + ((round * 37) % 200)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.split('\n').length > killAfter) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  assert.equal(signal, 'SIGKILL')
  return output.split('\n').slice(0, -1)
}

test('a process killed while it writes loses nothing it had acknowledged', async () => {
  const lanes = Array.from({ length: 4 }, (_, i) => join(directory, `killed-${i}.db`))
  await Promise.all(
    lanes.map(async (file, lane) => {
      const acknowledged: string[] = []
      for (let round = 0; round < 5; round += 1) {
        acknowledged.push(...(await killWriter(file, lane * 5 + round)))
      }
      assert.ok(acknowledged.length >= 5)
      const store = await openSqliteStore({ file })
      const found = await Promise.all(acknowledged.map((key) => store.get(key)))
      await store.close()
      const lost = acknowledged.filter((key, i) => found[i]?.value !== `value of ${key}`)
      assert.deepEqual(lost, [])
      const database = new DatabaseSync(file)
      assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
      database.close()
    }),
  )
})

test('a write waits for a lock that another process holds, and this thread goes on', async () => {
  const file = join(directory, 'locked.db')
  const store = await openSqliteStore({ file })
  const holder = start(HOLDER, file)
  const released = once(holder, 'exit')
  await once(holder.stdout, 'data')
  let done = false
  const write = store.put('a/b', 'value').finally(() => {
    done = true
  })
  // The other process gives the lock back only after this thread has turned many times.
  for (let turn = 0; turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(done, false)
  holder.stdin.end()
  await write
  assert.equal((await store.get('a/b'))?.value, 'value')
  await released
  await store.close()
})

test('a lock that is held too long fails the write as busy, and only that', async () => {
  const file = join(directory, 'held.db')
  const store = await openSqliteStore({ file, busyGiveUpMs: 20 })
  await store.put('a/old', 'old')
  const holder = start(HOLDER, file)
  const released = once(holder, 'exit')
  await once(holder.stdout, 'data')
  await assert.rejects(store.put('a/b', 'value'), storeError('busy'))
  assert.equal((await store.get('a/old'))?.value, 'old')
  holder.stdin.end()
  await released
  assert.equal(await store.get('a/b'), undefined)
  await store.put('a/b', 'value')
  await store.close()
})
