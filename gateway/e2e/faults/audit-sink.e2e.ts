/**
 * Where decisions cannot be recorded nothing goes up: a sink that fails and one that hangs, in both
 * modes, end in 503 at the documented bound, `/readyz` says so, and all is well again by itself once
 * the sink takes bytes.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import type { Reply } from '../../testkit/rpc.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { runCli } from '../../testkit/run-cli.ts'

/** Age of the oldest unwritten record at which calls are refused (docs/audit.md). */
const BOUND_MS = 10_000

let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-sink-'))
})

after(async () => {
  await rm(directory, { recursive: true, force: true })
})

type Audit = { readonly sink: string; readonly mode: string; readonly max_buffered?: number }

type Bench = {
  readonly gateway: TestGatehouse
  readonly server: RecordingServer
  call(): Promise<Reply>
}

/** Runs with a gateway and a server of its own, after one call that worked. */
async function withGateway(audit: Audit, run: (bench: Bench) => Promise<void>): Promise<void> {
  const server = await startRecordingServer()
  const gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [allowAll('docs')],
    config: { audit },
  })
  const token = await gateway.token('docs')
  const call = () => post(gateway.url('docs'), callTool('echo'), { token })
  try {
    assert.equal((await call()).status, 200)
    await run({ gateway, server, call })
  } finally {
    await gateway.stop()
    await server.stop()
  }
}

/** Limits how large a file the process may write, which fails like a full disk does: within a line. */
function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])
}

/** A named pipe whose buffer is full: whoever writes to it waits until somebody reads. */
async function fullPipe(
  name: string,
): Promise<{ readonly path: string; readonly end: FileHandle }> {
  const path = join(directory, name)
  execFileSync('mkfifo', [path])
  // Read and write, so that opening it waits for nobody.
  const end = await open(path, constants.O_RDWR | constants.O_NONBLOCK)
  return { path, end }
}

async function fill(end: FileHandle): Promise<void> {
  const block = Buffer.alloc(4_096, '\n')
  const fillWith = async (bytes: Uint8Array): Promise<void> => {
    for (;;) await end.write(bytes)
  }
  // Then byte by byte: the last page of the pipe may still have room for a record.
  await assert.rejects(fillWith(block), { code: 'EAGAIN' })
  await assert.rejects(fillWith(block.subarray(0, 1)), { code: 'EAGAIN' })
}

/** Reads the pipe until it is told to stop, as a log shipper that is back does. */
function readOn(end: FileHandle): () => void {
  const block = Buffer.alloc(65_536)
  const reader = setInterval(() => void end.read(block).catch(() => undefined), 10)
  return () => clearInterval(reader)
}

async function assertRefuses({ gateway, server, call }: Bench): Promise<void> {
  const seen = server.seen.length
  const reply = await call()
  assert.equal(reply.status, 503, reply.text)
  assert.equal(reply.json?.error?.code, 1000)
  assert.equal(server.seen.length, seen)
  const { status, json } = await gateway.ready()
  assert.equal(status, 503)
  assert.equal((json['checks'] as { audit: { state: string } }).audit.state, 'fail')
}

async function assertServes({ gateway, call }: Bench): Promise<void> {
  await eventually(async () => assert.equal((await call()).status, 200), 10_000)
  await eventually(async () => assert.equal((await gateway.ready()).status, 200))
}

/** Intact, without half lines, and every call has ended. */
async function assertWhole(sink: string): Promise<void> {
  const { code, out } = await runCli(['audit', 'verify', sink])
  assert.equal(code, 0, out)
  assert.doesNotMatch(out, /half a line|without an outcome/)
}

// Each has processes of its own, and most of what they do is wait for the bound.
describe('where decisions cannot be recorded', { concurrency: true }, () => {
  test('strict: a full disk refuses at once, and the log is whole when there is room again', async () => {
    const sink = join(directory, 'strict.jsonl')
    await withGateway({ sink, mode: 'strict' }, async (bench) => {
      limitFiles(bench.gateway.child.pid, (await stat(sink)).size + 100)
      const started = performance.now()
      await assertRefuses(bench)
      assert.ok(performance.now() - started < BOUND_MS / 2, 'it waited instead of refusing')
      await assertRefuses(bench)
      limitFiles(bench.gateway.child.pid, 'unlimited')
      await assertServes(bench)
    })
    await assertWhole(sink)
  })

  test('buffered: a full disk refuses once the buffer is full, and nothing that went up is missing afterwards', async () => {
    const sink = join(directory, 'buffered.jsonl')
    let seen = 0
    await withGateway({ sink, mode: 'buffered', max_buffered: 20 }, async (bench) => {
      await eventually(async () => assert.ok((await stat(sink)).size > 0))
      limitFiles(bench.gateway.child.pid, (await stat(sink)).size + 100)
      const statuses: number[] = []
      while (statuses.length < 40 && statuses.at(-1) !== 503) {
        statuses.push((await bench.call()).status)
      }
      assert.ok(statuses.length > 5, 'calls are served while the buffer has room')
      await assertRefuses(bench)
      limitFiles(bench.gateway.child.pid, 'unlimited')
      await assertServes(bench)
      seen = bench.server.calls('tools/call').length
    })
    await assertWhole(sink)
    const lines = (await readFile(sink, 'utf8')).split('\n')
    const allowed = lines.filter((line) => /"type":"decision".*"tools\/call".*"allow"/.test(line))
    assert.equal(allowed.length, seen)
  })

  test('strict: a pipe nobody reads refuses at the bound, and serves when it is read again', async () => {
    const { path, end } = await fullPipe('strict.pipe')
    await withGateway({ sink: path, mode: 'strict' }, async (bench) => {
      await fill(end)
      const started = performance.now()
      await assertRefuses(bench)
      const waited = performance.now() - started
      assert.ok(waited > BOUND_MS - 1_000 && waited < 2 * BOUND_MS, `refused after ${waited} ms`)
      const stop = readOn(end)
      await assertServes(bench)
      stop()
    })
    await end.close()
  })

  test('buffered: a pipe nobody reads holds nothing up before the bound, and refuses at it', async () => {
    const { path, end } = await fullPipe('buffered.pipe')
    await withGateway({ sink: path, mode: 'buffered' }, async (bench) => {
      await fill(end)
      const started = performance.now()
      let reply = await bench.call()
      assert.equal(reply.status, 200)
      while (reply.status === 200 && performance.now() - started < 2 * BOUND_MS) {
        await pause(250)
        reply = await bench.call()
      }
      assert.ok(performance.now() - started > BOUND_MS - 1_000, 'refused before the bound')
      await assertRefuses(bench)
      const stop = readOn(end)
      await assertServes(bench)
      stop()
    })
    await end.close()
  })
})
