/** `gatehouse registration-tokens new`: an initial access token for clients (RFC 7591 §3), shown once. */
import { hash, randomBytes } from 'node:crypto'
import type { Io } from './io.ts'
import { misused, readArgs } from './usage.ts'

const USAGE = `Usage: gatehouse registration-tokens new --name NAME

Prints a token with which clients may register at the authorization server, and the entry for the
configuration, which holds only its hash. Clients send it as Authorization: Bearer.

  --name NAME   what records and lists call it, 1 to 64 of a-z 0-9 -`

/** 256 bits. */
const TOKEN_BYTES = 32

/** Resolves with the exit status: 0 printed, 2 used wrongly. */
export async function registrationTokensNew(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<number> {
  const options = { name: { type: 'string' } } as const
  const given = readArgs(args, { usage: USAGE, options }, io)
  if (given === undefined) return 0
  const { values } = given
  const { name = '' } = values
  if (!/^[a-z0-9-]{1,64}$/.test(name))
    return misused(io, '--name must be 1 to 64 of a-z 0-9 -', USAGE)
  const token = `ghr_${randomBytes(TOKEN_BYTES).toString('base64url')}`
  io.out('The token, shown this once:\n')
  io.out(`  ${token}\n`)
  io.out('Its entry for the configuration:\n')
  io.out('authorization_server:')
  io.out('  registration:')
  io.out('    tokens:')
  io.out(`      ${name}: { sha256: ${hash('sha256', token)} }`)
  return 0
}
