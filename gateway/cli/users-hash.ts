/** `gatehouse users hash`: the hash of a password, for the file of local users. */
import { createInterface } from 'node:readline'
import { hashPassword, MAX_PASSWORD_CHARS } from '../identity/passwords.ts'
import type { Io } from './io.ts'
import { misused, readArgs } from './usage.ts'

const USAGE = `Usage: gatehouse users hash

Reads a password from the first line of standard input and prints its hash, to be put into the
file that authorization_server.users names:

  version: 1
  users:
    alice: { password: 'scrypt$…', name: Alice, groups: [analysts] }

The password is shown while it is typed; gatehouse users hash < FILE keeps it off the screen.`

/** Below this a password is guessed, however it is hashed. */
const MIN_PASSWORD_CHARS = 12

/** Resolves with the exit status: 0 printed, 2 used wrongly. */
export async function usersHash(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
  readLine: () => Promise<string> = firstLine,
): Promise<number> {
  const given = readArgs(args, { usage: USAGE, options: {} }, io)
  if (given === undefined) return 0
  const password = await readLine()
  if (password.length < MIN_PASSWORD_CHARS || password.length > MAX_PASSWORD_CHARS) {
    const wanted = `${MIN_PASSWORD_CHARS} to ${MAX_PASSWORD_CHARS} characters`
    return misused(io, `a password must have ${wanted}`, USAGE)
  }
  io.out(await hashPassword(password))
  return 0
}

async function firstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) return line
  return ''
}
