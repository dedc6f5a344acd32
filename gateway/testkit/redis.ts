/** A real Redis of a test's own: on loopback, in a temporary directory, every write synced to disk. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from './certificates.ts'
import type { Child } from './child.ts'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'

export type TestRedis = {
  readonly port: number
  readonly password: string
  /** Ends it as a crash does, without a chance to write anything down. */
  kill(): Promise<void>
  /** Stops it in the middle of whatever it does: connections stay, and nothing is answered. */
  freeze(): void
  thaw(): void
  /** Starts it again on the same port and directory. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * @param lines Further lines of its configuration.
 * @param tls Its certificate, for a `tls-port` among them.
 */
export async function startRedis(lines: readonly string[] = [], tls?: KeyPair): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-redis-'))
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const file = join(directory, 'redis.conf')
  const config = [
    `bind 127.0.0.1`,
    `port ${port}`,
    `dir ${directory}`,
    `requirepass ${password}`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory-policy noeviction',
    ...(tls === undefined ? [] : ['tls-cert-file tls.crt', 'tls-key-file tls.key']),
    ...lines,
  ]
  await writeFile(join(directory, 'tls.crt'), tls?.cert ?? '')
  await writeFile(join(directory, 'tls.key'), tls?.key ?? '', { mode: 0o600 })
  await writeFile(file, `${config.join('\n')}\n`, { mode: 0o600 })
  let child: Child
  const start = async (): Promise<void> => {
    child = startChild({ command: 'redis-server', args: [file], inherit: ['PATH'] })
    await child.waitFor(/Ready to accept connections/)
  }
  await start()
  return {
    port,
    password,
    kill: async () => {
      child.signal('SIGKILL')
      await child.exited
    },
    freeze: () => child.signal('SIGSTOP'),
    thaw: () => child.signal('SIGCONT'),
    start,
    stop: async () => {
      await child.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
