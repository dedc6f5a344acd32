/**
 * The npm package: built, laid out as installed (under `node_modules`, where Node.js strips no types),
 * and run from there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { whileServing, writeConfig } from './serving.ts'

const PROJECT = join(import.meta.dirname, '..')
const installed = join(PROJECT, '.cache/package/node_modules/mcp-gatehouse')
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-package-'))
const shipped = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly bin: { readonly gatehouse: string }
  readonly files: readonly string[]
}
const command = join(installed, shipped.bin.gatehouse)

before(() => {
  rmSync(installed, { recursive: true, force: true })
  mkdirSync(installed, { recursive: true })
  for (const name of ['package.json', ...shipped.files.filter((name) => name !== 'dist')]) {
    cpSync(join(PROJECT, name), join(installed, name), { recursive: true })
  }
  const tsc = join(PROJECT, 'node_modules/.bin/tsc')
  const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist')]
  const build = spawnSync(process.execPath, args, { cwd: PROJECT, encoding: 'utf8' })
  assert.equal(build.status, 0, build.stdout)
})

after(() => rmSync(folder, { recursive: true, force: true }))

test('the package holds no tests and no testkit', () => {
  assert.ok(existsSync(join(installed, 'dist/model/refusal.d.ts')))
  for (const name of ['testkit', 'e2e', 'rooms.test.js', 'model/secret.test.js']) {
    assert.ok(!existsSync(join(installed, 'dist', name)), name)
  }
})

test('the installed command can be run by its own name', () => {
  assert.match(readFileSync(command, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  const { stdout, stderr } = spawnSync(process.execPath, [command, '--version'], {
    encoding: 'utf8',
  })
  assert.equal(stdout, `${shipped.version}\n`, stderr)
})

test('the installed command checks a configuration, serves it, and stops when asked', async () => {
  const config = writeConfig(folder)
  const check = spawnSync(process.execPath, [command, 'check', '-c', config], { encoding: 'utf8' })
  assert.equal(check.status, 0, check.stderr)
  await whileServing([command, 'serve', '-c', config], folder, async (ops) => {
    assert.equal((await fetch(`http://${ops}/readyz`)).status, 200)
  })
  assert.ok(existsSync(join(folder, 'gatehouse.db')))
})
