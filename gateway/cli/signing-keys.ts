/** `gatehouse signing-keys rotate`: a new key for the tokens the gateway issues. */
import { ADMIN_USAGE, runAdminVerb } from './admin-client.ts'
import type { Io } from './io.ts'

const USAGE = `Usage: gatehouse signing-keys rotate [OPTIONS]

Adds a key to those the gateway signs tokens with. It is published at once and signs after 20 minutes,
at all replicas at the same time; the old one stays published for as long as its tokens live. Keys
are changed every 30 days anyway.

${ADMIN_USAGE}`

/** Resolves with the exit code: 0 added, 1 not. */
export async function signingKeysRotate(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  return runAdminVerb({ args, usage: USAGE, io, fetch }, async (ask) => {
    const { published } = await ask('POST', '/admin/signing-keys/rotate')
    io.out(`a new key is published and signs in 20 minutes; published now: ${String(published)}`)
    return 0
  })
}
