/** `gatehouse reload`: a running gateway reads its configuration and policies again. */
import { ADMIN_USAGE, runAdminVerb } from './admin-client.ts'
import type { Io } from './io.ts'

const USAGE = `Usage: gatehouse reload [OPTIONS]

Makes a running gateway read its configuration and policies again. When they are not valid the
gateway keeps those it has, and the problems are printed. Settings that only a restart can change
are named.

${ADMIN_USAGE}`

/** Resolves with the exit code: 0 reloaded, 1 not. */
export async function reload(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  return runAdminVerb({ args, usage: USAGE, io, fetch }, async (ask) => {
    const { notices } = await ask('POST', '/admin/reload')
    io.out('reloaded')
    for (const notice of Array.isArray(notices) ? notices : []) io.out(`note: ${String(notice)}`)
    return 0
  })
}
