import assert from 'node:assert/strict'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createFileOutput } from './output.ts'

let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-audit-'))
})

after(() => rm(folder, { recursive: true }))

test('a new file is readable by its owner only, and is appended to', async () => {
  const path = join(folder, 'new.log')
  const output = createFileOutput(path)
  await output.open()
  assert.equal(await output.write(Buffer.from('xxone\n'), 2), 4)
  await output.write(Buffer.from('two\n'), 0)
  await output.sync()
  await output.close()
  assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('the first write opens the file when nobody has', async () => {
  const path = join(folder, 'lazy.log')
  const output = createFileOutput(path)
  await output.write(Buffer.from('one\n'), 0)
  await output.close()
  assert.equal(await readFile(path, 'utf8'), 'one\n')
})

test('a file that ends within a line gets a newline before anything else', async () => {
  const path = join(folder, 'torn.log')
  await writeFile(path, 'one\n{"time":"20')
  const output = createFileOutput(path)
  await output.open()
  await output.write(Buffer.from('two\n'), 0)
  await output.close()
  assert.equal(await readFile(path, 'utf8'), 'one\n{"time":"20\ntwo\n')
})

test('a file that ends with a line gets nothing before it', async () => {
  const path = join(folder, 'whole.log')
  await writeFile(path, 'one\n')
  const output = createFileOutput(path)
  await output.write(Buffer.from('two\n'), 0)
  await output.close()
  assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n')
})

test('opened anew after it was renamed, it writes to a new file under the old name', async () => {
  const path = join(folder, 'rotated.log')
  const output = createFileOutput(path)
  await output.write(Buffer.from('one\n'), 0)
  await rename(path, `${path}.1`)
  await output.write(Buffer.from('two\n'), 0)
  await output.open()
  await output.write(Buffer.from('three\n'), 0)
  await output.close()
  assert.equal(await readFile(`${path}.1`, 'utf8'), 'one\ntwo\n')
  assert.equal(await readFile(path, 'utf8'), 'three\n')
})

test('files that were rotated away are let go of', async () => {
  const path = join(folder, 'many.log')
  const output = createFileOutput(path)
  for (let times = 0; times < 5; times += 1) await output.open()
  const targets = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  assert.equal(targets.filter((target) => target === path).length, 1)
  await output.close()
})

test('when it cannot be opened anew, the old file stays in use', async () => {
  const path = join(folder, 'gone', 'audit.log')
  await assert.rejects(createFileOutput(path).open(), { code: 'ENOENT' })
  await mkdir(join(folder, 'gone'))
  const output = createFileOutput(path)
  await output.open()
  await rename(join(folder, 'gone'), join(folder, 'moved'))
  await assert.rejects(output.open(), { code: 'ENOENT' })
  await output.write(Buffer.from('one\n'), 0)
  await output.close()
  assert.equal(await readFile(join(folder, 'moved', 'audit.log'), 'utf8'), 'one\n')
})

test('what has no disk to sync to counts as synced', async () => {
  const output = createFileOutput('/dev/null')
  await output.write(Buffer.from('one\n'), 0)
  await output.sync()
  await output.close()
})
