import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createChain, hashBatch } from '../audit/chain.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { auditVerify } from './audit-verify.ts'

let folder = ''
let files = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-verify-'))
})

after(() => rm(folder, { recursive: true }))

/** Lines of one instance, one call a second and a batch for each. */
function records(calls: number, instance = 'a'): string[] {
  const chain = createChain(instance)
  return Array.from({ length: calls }, (_, at) => {
    const head = `{"time":"2026-11-23T08:30:${String(at).padStart(2, '0')}.000Z"`
    const batch = [
      chain.seal(`${head},"type":"decision","id":"größe-${at}"`),
      chain.seal(`${head},"type":"outcome","id":"größe-${at}"`),
    ]
    chain.part(Buffer.from(`${batch.join('\n')}\n`))
    return batch
  }).flat()
}

/** Hash of the last batch, the last two lines. */
function lastHash(lines: readonly string[]): string {
  return hashBatch(`${lines.slice(-2).join('\n')}\n`)
}

async function file(lines: readonly string[], end = '\n'): Promise<string> {
  files += 1
  const path = join(folder, `audit-${files}.log`)
  await writeFile(path, lines.join('\n') + end)
  return path
}

async function run(...args: string[]) {
  return await runVerb((io) => auditVerify(args, io))
}

test('a rotated file that was compressed is read like the others, and a broken one is said to be', async () => {
  const lines = records(200)
  const old = join(folder, 'audit.log.2.gz')
  await writeFile(old, gzipSync(`${lines.slice(0, 200).join('\n')}\n`))
  const whole = await run(await file(lines.slice(200)), old)
  assert.equal(whole.code, 0, whole.out)
  assert.match(whole.out, /^intact\n400 records/)
  await writeFile(old, gzipSync(`${lines.slice(0, 200).join('\n')}\n`).subarray(0, -20))
  const broken = await run(old)
  assert.equal(broken.code, 2)
  assert.match(broken.err, /^cannot read .*audit\.log\.2\.gz: unexpected end of file/)
  assert.equal((await run(join(folder, 'none.gz'))).code, 2)
})

test('an intact log exits 0 and is summed up', async () => {
  const { code, out } = await run(await file(records(3)))
  assert.equal(code, 0)
  assert.match(out, /^intact\n6 records \(3 decisions, 3 outcomes\), 2026-11-23T08:30:00.000Z to /)
  assert.match(out, /instance "a": 6 records, 1 to 6/)
})

test('a broken log exits 1 and says file and line', async () => {
  const lines = records(3)
  lines[1] = lines[1]!.replace('outcome', 'decision')
  const path = await file(lines)
  const { code, out } = await run(path)
  assert.equal(code, 1)
  assert.match(out, /^BROKEN\n/)
  assert.ok(
    out.includes(`${path}:3: changed ("a"): among records 1 to 3 one is not what was written`),
  )
})

test('the files of a rotated log are put in order, and the chain goes on from one to the next', async () => {
  const lines = records(6)
  const newest = await file(lines.slice(8))
  const middle = await file(lines.slice(4, 8))
  const oldest = await file(lines.slice(0, 4))
  assert.equal((await run(newest, oldest, middle)).code, 0)
  assert.equal((await run(newest, oldest)).code, 1)
})

test('a newer file alone is broken, and intact with --partial', async () => {
  const path = await file(records(3).slice(2))
  assert.equal((await run(path)).code, 1)
  assert.equal((await run('--partial', path)).code, 0)
})

test('a last line without its newline counts, whole or torn', async () => {
  const lines = records(2)
  assert.equal((await run(await file(lines, ''))).code, 0)
  const torn = await run(await file([...lines.slice(0, 3), lines[3]!.slice(0, 40)], ''))
  assert.equal(torn.code, 0)
  assert.match(torn.out, /:4: half a line, left by a crash or a rotation/)
  assert.match(torn.out, /1 decisions without an outcome:\n.*:3: "größe-1"/)
})

test('an empty log is not called intact, and is no mistake', async () => {
  const { code, out } = await run(await file([], ''))
  assert.deepEqual([code, out], [0, 'nothing to check: no records'])
})

test('a log without a single record in it is broken', async () => {
  const { code, out } = await run(await file(['not a record', 'nor this']))
  assert.equal(code, 1)
  assert.match(out, /^BROKEN\n0 records/)
})

test('the last hash of every instance is printed, and changes when the end is cut off', async () => {
  const [one, two] = [records(2, 'one'), records(1, 'two')]
  const { out } = await run(await file([...one, ...two]))
  assert.ok(
    out.includes(`instance "one": 4 records, 1 to 4, not closed, last hash ${lastHash(one)}`),
  )
  assert.ok(
    out.includes(`instance "two": 2 records, 1 to 2, not closed, last hash ${lastHash(two)}`),
  )
  const cut = await run(await file(one.slice(0, 3)))
  assert.equal(cut.code, 0)
  assert.ok(!cut.out.includes(lastHash(one)))
})

test('of very many instances the newest are listed', async () => {
  const names = Array.from({ length: 22 }, (_, at) => `run-${at}`)
  const { out } = await run(await file(names.flatMap((name) => records(1, name))))
  assert.match(out, /^2 earlier instances$/m)
  assert.ok(!out.includes('"run-1"') && out.includes('"run-2"') && out.includes('"run-21"'))
})

test('bytes that are no UTF-8 are a change', async () => {
  const path = await file([])
  const bytes = Buffer.from(`${records(2).join('\n')}\n`)
  bytes[bytes.indexOf(0xc3)] = 0xff
  await writeFile(path, bytes)
  assert.equal((await run(path)).code, 1)
})

test('lines longer than what is read at a time are put together', async () => {
  const chain = createChain('a')
  const head = '{"time":"2026-11-23T08:30:00.000Z","type":"warning"'
  const lines = ['ä', 'b'].map((letter) => chain.seal(`${head},"x":"${letter.repeat(200_000)}"`))
  assert.equal((await run(await file(lines))).code, 0)
})

test('what the file says cannot act on the terminal', async () => {
  const chain = createChain('a\u001b[2J')
  const lines = [
    chain.seal('{"time":"2026","type":"decision","id":"x\\u001b[31m\\u009b31m"'),
    'not a record',
  ]
  const { out } = await run(await file(lines))
  assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}/u)
})

test('a file that cannot be read exits 2 and is named', async () => {
  const { code, err } = await run(join(folder, 'absent.log'))
  assert.equal(code, 2)
  assert.match(err, /cannot read .*absent\.log: ENOENT/)
  assert.equal((await run(folder)).code, 2)
})

test('no file exits 2 and shows how it is used, and so does an unknown option', async () => {
  for (const args of [[], ['--partial']]) {
    const { code, err } = await run(...args)
    assert.equal(code, 2)
    assert.match(err, /Usage: gatehouse audit verify/)
  }
  await assert.rejects(run('--fast', 'x'), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
})

test('help is no mistake', async () => {
  const { code, out } = await run('--help')
  assert.equal(code, 0)
  assert.match(out, /^Usage: gatehouse audit verify/)
})
