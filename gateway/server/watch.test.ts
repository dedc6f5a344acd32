import assert from 'node:assert/strict'
import { hash, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { eventually } from '../testkit/eventually.ts'
import { type WatchOptions, watchFiles } from './watch.ts'

/** Long enough for a change that must stay unnoticed to be noticed all the same. */
const QUIET_MS = 150

const NEVER_MS = 1_000_000

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-watch-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A watch, and how often it has told a change. File events and rechecks are real. */
function counted(t: TestContext, options: Partial<WatchOptions>) {
  const count = { told: 0 }
  const watch = watchFiles({
    files: [],
    debounceMs: 10,
    recheckMs: NEVER_MS,
    ...options,
    onChange: () => (count.told += 1),
  })
  t.after(() => watch.close())
  return { watch, count }
}

/** A watch whose first look is over, and a way to wait for the next change it tells. */
async function watching(t: TestContext, { files = [], ...options }: Partial<WatchOptions>) {
  const { watch, count } = counted(t, { ...options, ...toldWhenOver(files) })
  let [awaited, looks] = [0, 0]
  const untilChange = async (): Promise<void> => {
    await eventually(() => assert.ok(count.told > awaited, 'the change was never told'))
    // What belongs to the same change comes now.
    await pause(50)
    awaited = count.told
  }
  const untilSeen = async (): Promise<void> => {
    await untilChange()
    looks += 1
  }
  await untilSeen()
  return {
    watch,
    /** Those told but for the first looks. */
    changes: () => count.told - looks,
    untilChange,
    /** Resolves when the new files have been looked at. */
    async refresh(others: readonly string[]): Promise<void> {
      const { files: watched, digests } = toldWhenOver(others)
      watch.refresh(watched, digests)
      await untilSeen()
    },
  }
}

/**
 * Files are looked at in their order, and a look tells changes at its end: one that is not as it is said to
 * be, behind all others, tells that they were seen.
 */
function toldWhenOver(files: readonly string[]) {
  const last = join(tmpdir(), `gatehouse-watch-none-${randomUUID()}`, 'none.yaml')
  return { files: [...files, last], digests: new Map([[last, 'something else']]) }
}

// At the same time, because each of them mostly waits.
describe('watchFiles', { concurrency: true }, () => {
  test('a file written in place is told once, however often it was written', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'one')
    const { untilChange, changes } = await watching(t, { files: [file] })
    // In one turn of the event loop: however slow the machine is, no look comes in between.
    writeFileSync(file, 'two')
    writeFileSync(file, 'three')
    await untilChange()
    assert.equal(changes(), 1)
  })

  test('a file renamed over the old one is told, the second time too', async (t) => {
    const directory = await place(t)
    const file = join(directory, 'a.yaml')
    await writeFile(file, 'one')
    const { untilChange } = await watching(t, { files: [file] })
    for (const text of ['two', 'three']) {
      await writeFile(join(directory, 'a.yaml.tmp'), text)
      await rename(join(directory, 'a.yaml.tmp'), file)
      await untilChange()
    }
  })

  test('a ConfigMap update is told: the link in the middle is swapped, twice', async (t) => {
    const directory = await place(t)
    const publish = async (generation: string): Promise<void> => {
      await mkdir(join(directory, generation))
      await writeFile(join(directory, generation, 'a.yaml'), generation)
      await symlink(generation, join(directory, '..data_tmp'))
      await rename(join(directory, '..data_tmp'), join(directory, '..data'))
    }
    await publish('..2026_01')
    await symlink('..data/a.yaml', join(directory, 'a.yaml'))
    const { untilChange, changes } = await watching(t, { files: [join(directory, 'a.yaml')] })
    await publish('..2026_02')
    await rm(join(directory, '..2026_01'), { recursive: true })
    await untilChange()
    await publish('..2026_03')
    await rm(join(directory, '..2026_02'), { recursive: true })
    await untilChange()
    assert.equal(changes(), 2)
  })

  test('the same content written again is no change', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'one')
    const { changes } = await watching(t, { files: [file] })
    await writeFile(file, 'one')
    await pause(QUIET_MS)
    assert.equal(changes(), 0)
  })

  test('another file in the same directory is no change', async (t) => {
    const directory = await place(t)
    await writeFile(join(directory, 'a.yaml'), 'one')
    const { changes } = await watching(t, { files: [join(directory, 'a.yaml')] })
    await writeFile(join(directory, 'audit.jsonl'), '{}')
    await pause(QUIET_MS)
    assert.equal(changes(), 0)
  })

  test('a file that vanishes is told, and again when it is back', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'one')
    const { untilChange } = await watching(t, { files: [file] })
    await rm(file)
    await untilChange()
    await writeFile(file, 'one')
    await untilChange()
  })

  test('a directory that vanishes and comes back is watched again', async (t) => {
    const directory = join(await place(t), 'config')
    const file = join(directory, 'a.yaml')
    await mkdir(directory)
    await writeFile(file, 'one')
    const { watch, untilChange } = await watching(t, { files: [file] })
    await rm(directory, { recursive: true })
    await untilChange()
    await mkdir(directory)
    await writeFile(file, 'two')
    watch.refresh([file])
    await untilChange()
    // Told by an event, so the new directory is the one being watched.
    await writeFile(file, 'three')
    await untilChange()
  })

  test('a directory exchanged for another under the same name is watched instead', async (t) => {
    const base = await place(t)
    const file = join(base, 'current', 'a.yaml')
    for (const name of ['blue', 'green']) {
      await mkdir(join(base, name))
      await writeFile(join(base, name, 'a.yaml'), name)
    }
    await symlink('blue', join(base, 'current'))
    const { watch, untilChange } = await watching(t, { files: [file] })
    await symlink('green', join(base, 'next'))
    await rename(join(base, 'next'), join(base, 'current'))
    watch.refresh([file])
    await untilChange()
    await writeFile(join(base, 'green', 'a.yaml'), 'greener')
    await untilChange()
  })

  test('a change without an event is told at the recheck', async (t) => {
    const base = await place(t)
    const [link, file] = [join(base, 'link.yaml'), join(base, 'elsewhere', 'a.yaml')]
    await mkdir(join(base, 'elsewhere'))
    await writeFile(file, 'one')
    await symlink(file, link)
    const { untilChange } = await watching(t, { files: [link], recheckMs: 30 })
    await writeFile(file, 'two')
    await untilChange()
  })

  test('a file replaced by a directory is told, and ends nothing', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'one')
    const { untilChange } = await watching(t, { files: [file] })
    await rm(file)
    await mkdir(file)
    await untilChange()
  })

  test('a policy added to or taken from a watched directory is told, another file is not', async (t) => {
    const directory = await place(t)
    const file = join(directory, 'a.yaml')
    await writeFile(file, 'one')
    const { untilChange, changes } = await watching(t, { files: [directory, file] })
    await writeFile(join(directory, 'notes.txt'), 'x')
    await pause(QUIET_MS)
    assert.equal(changes(), 0)
    await writeFile(join(directory, 'b.yaml'), 'two')
    await untilChange()
    await rm(join(directory, 'b.yaml'))
    await untilChange()
  })

  test('a change between reading a file and watching it is told', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'two')
    const digests = new Map([[file, hash('sha256', 'one', 'hex')]])
    const { count } = counted(t, { files: [file], digests })
    await eventually(() => assert.equal(count.told, 1))
  })

  test('content that was read already is no change', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'one')
    const digests = new Map([[file, hash('sha256', 'one', 'hex')]])
    const { count } = counted(t, { files: [file], digests })
    await pause(QUIET_MS)
    assert.equal(count.told, 0)
  })

  test('after a refresh new files are watched and old ones are not', async (t) => {
    const directory = await place(t)
    const [old, fresh] = [join(directory, 'old.yaml'), join(directory, 'new.yaml')]
    await writeFile(old, 'one')
    await writeFile(fresh, 'one')
    const { refresh, untilChange, changes } = await watching(t, { files: [old] })
    await refresh([fresh])
    await writeFile(old, 'two')
    await pause(QUIET_MS)
    assert.equal(changes(), 0)
    await writeFile(fresh, 'two')
    await untilChange()
  })

  test('nothing is told after the watch is closed', async (t) => {
    const file = join(await place(t), 'a.yaml')
    await writeFile(file, 'one')
    const { watch, changes } = await watching(t, { files: [file], recheckMs: 20 })
    await writeFile(file, 'two')
    watch.close()
    // On a busy machine the change may have been told while it was written.
    const told = changes()
    await pause(QUIET_MS)
    assert.equal(changes(), told)
  })

  test('a directory that never was is no error, and its file is told when it comes', async (t) => {
    const directory = join(await place(t), 'later')
    const { untilChange } = await watching(t, { files: [join(directory, 'a.yaml')], recheckMs: 20 })
    await mkdir(directory)
    await writeFile(join(directory, 'a.yaml'), 'one')
    await untilChange()
  })
})
