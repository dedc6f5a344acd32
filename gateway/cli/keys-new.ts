/** `gatehouse keys new`: one entry of the key ring. */
import { randomBytes as systemRandomBytes } from 'node:crypto'
import type { Io } from './io.ts'
import { misused, readArgs } from './usage.ts'

const USAGE = `Usage: gatehouse keys new [--id ID]

Prints a new entry for the key ring, <id>:<base64url of 32 random bytes>, to be put into
GATEHOUSE_KEYS or the file that keys.file names. The first key seals, all open. With several
gateways put it below the current one first, at each of them, and only then on top. Keep the
others for as long as anything made with them must be readable.

  --id ID   name of the key, 1 to 32 of A-Z a-z 0-9 _ -; default: today's date`

/** AES-256-GCM and HKDF-SHA256 keys. */
const KEY_BYTES = 32

/** What differs in tests; `now` is epoch milliseconds. */
export type KeySources = {
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
}

const SYSTEM: KeySources = { now: Date.now, randomBytes: systemRandomBytes }

/** Resolves with the exit status: 0 printed, 2 used wrongly. */
export async function keysNew(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
  { now, randomBytes }: KeySources = SYSTEM,
): Promise<number> {
  const options = { id: { type: 'string' } } as const
  const given = readArgs(args, { usage: USAGE, options }, io)
  if (given === undefined) return 0
  const { values } = given
  const id = values.id ?? `k${new Date(now()).toISOString().slice(0, 10)}`
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(id))
    return misused(io, '--id must be 1 to 32 of A-Z a-z 0-9 _ -', USAGE)
  io.out(`${id}:${randomBytes(KEY_BYTES).toString('base64url')}`)
  return 0
}
