/**
 * A real PostgreSQL of a test's own: on loopback, in a temporary directory, fsync on. It refuses to run as
 * root, who runs it as the user `postgres` instead.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { KeyPair } from './certificates.ts'
import type { Child } from './child.ts'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'

export type TestPostgres = {
  readonly port: number
  readonly user: string
  readonly password: string
  /** A database encoded in UTF-8. */
  readonly database: string
  /** Ends all of it as a crash does, without a chance to write anything down. */
  kill(): Promise<void>
  /** Starts it again on the same port and directory. */
  start(): Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)

/** @param tls Its certificate; without one it speaks plain TCP only. */
export async function startPostgres(tls?: KeyPair): Promise<TestPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-postgres-'))
  const port = await freePort()
  const [user, password] = ['gatehouse', randomBytes(16).toString('hex')]
  const data = join(directory, 'data')
  const passwordFile = join(directory, 'password')
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordFile, password, { mode: 0o600 })
  const [certFile, keyFile] = [join(directory, 'tls.crt'), join(directory, 'tls.key')]
  await writeFile(certFile, tls?.cert ?? '')
  await writeFile(keyFile, tls?.key ?? '', { mode: 0o600 })
  const asUser = await handOver([directory, data, passwordFile, certFile, keyFile])
  await run(
    ...asUser('initdb', [
      `--pgdata=${data}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
    ]),
  )
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'on',
    max_connections: 60,
    shared_buffers: '16MB',
    ...(tls === undefined ? {} : { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let child: Child
  const start = async (): Promise<void> => {
    const [command, args] = asUser('postgres', ['-D', data, ...flags])
    child = startChild({ command, args, inherit: ['PATH'] })
    await child.waitFor(/database system is ready to accept connections/)
  }
  await start()
  return {
    port,
    user,
    password,
    database: 'postgres',
    kill: async () => {
      // The pid of the server itself is the first line of its lock file; `runuser` would not pass it on.
      const [pid = ''] = (await run('head', ['-n1', join(data, 'postmaster.pid')])).stdout.split(
        '\n',
      )
      process.kill(Number(pid), 'SIGKILL')
      await child.exited
    },
    start,
    stop: async () => {
      // SIGINT: disconnect whoever is there, write down everything, and end.
      child.signal('SIGINT')
      await child.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

type Command = (name: string, args: readonly string[]) => [string, string[]]

/** Gives the files to the user that will run the server; returns how to run something as that user. */
async function handOver(paths: readonly string[]): Promise<Command> {
  if (process.getuid?.() !== 0) return (name, args) => [binary(name), [...args]]
  const uid = Number((await run('id', ['-u', 'postgres'])).stdout)
  const { gid } = await stat('/')
  for (const path of paths) await chown(path, uid, gid)
  return (name, args) => ['runuser', ['-u', 'postgres', '--', binary(name), ...args]]
}

/** Debian keeps the server's programs out of PATH. */
function binary(name: string): string {
  const [newest] = globSync(`/usr/lib/postgresql/*/bin/${name}`).toSorted().toReversed()
  return newest !== undefined && existsSync(newest) ? newest : name
}
