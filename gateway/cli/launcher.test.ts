import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const GATEWAY = join(import.meta.dirname, '..')

/** A checkout that has the launchers and a program that prints its arguments, and nothing else. */
function checkout(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-launcher-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(join(directory, 'gateway/cli'), { recursive: true })
  mkdirSync(join(directory, 'bin'))
  for (const name of ['gatehouse', 'node']) {
    copyFileSync(join(GATEWAY, name), join(directory, 'gateway', name))
  }
  symlinkSync('/usr/bin/dirname', join(directory, 'bin/dirname'))
  const program = 'console.log(process.argv.slice(2).join())\n'
  writeFileSync(join(directory, 'gateway/cli/main.ts'), program)
  return directory
}

/** Runs the launcher with nothing on PATH but what it needs, and `directories`. */
function launch(directory: string, ...directories: readonly string[]) {
  const command = join(directory, 'gateway/gatehouse')
  const args = ['check', '-c', 'x']
  const env = { PATH: [...directories, join(directory, 'bin')].join(':') }
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const NODE_DIRECTORY = join(process.execPath, '..')

test('a checkout without its packages says what to do first', (t) => {
  assert.deepEqual(launch(checkout(t), NODE_DIRECTORY), {
    status: 1,
    stdout: '',
    stderr: "gatehouse: the npm packages are not installed: run 'make deps' first\n",
  })
})

test('a checkout with its packages runs the command with its arguments', (t) => {
  const directory = checkout(t)
  mkdirSync(join(directory, 'node_modules'))
  const { status, stdout } = launch(directory, NODE_DIRECTORY)
  assert.deepEqual([status, stdout], [0, 'check,-c,x\n'])
})

test('without a Node.js that is new enough nothing runs, and what brings one is said', (t) => {
  const directory = checkout(t)
  mkdirSync(join(directory, 'node_modules'))
  const { status, stderr } = launch(directory)
  assert.equal(status, 1)
  assert.match(stderr, /Node\.js 24\.15 or newer is needed\. On Linux run 'make deps' first/)
})
