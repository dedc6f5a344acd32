/**
 * Refuses what a server is known not to speak, in the words of the revisions, so that a client of both
 * eras goes on with the right one. It remembers the answer for the whole host, and many a server would
 * answer with something else. What is not known is left to the server.
 */
import { erasOf, type Spoken, versionsOf } from '../mcp/spoken.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'

/** What is known of each server at this moment. */
export type KnownEras = { of(server: McpServer): Spoken }

/**
 * @throws {Refusal} `unsupported_version` for a modern call to a legacy server, `no_initialize` for the
 *   handshake with a modern one; both name the server's versions.
 */
export function checkEra(call: Call, server: McpServer, known: KnownEras): void {
  if (call.direction === 'down') return
  if (call.era === 'modern') {
    const spoken = known.of(server)
    if (erasOf(spoken) !== 'legacy') return
    throw new Refusal('unsupported_version', {
      ...withId(call),
      data: { supported: versionsOf(spoken), requested: call.version },
    })
  }
  if (call.method !== 'initialize') return
  const spoken = known.of(server)
  if (erasOf(spoken) !== 'modern') return
  const supported = versionsOf(spoken)
  throw new Refusal('no_initialize', {
    ...withId(call),
    message: `This server has no initialize; it speaks ${supported.join(', ')}`,
    data: { supported, requested: call.version },
  })
}

/** The versions a modern request to this server may name instead of one that the gateway does not know. */
export function supportedBy(server: McpServer, known: KnownEras): readonly string[] {
  const spoken = known.of(server)
  const eras = erasOf(spoken)
  if (eras === 'unknown') return MODERN_VERSIONS
  // Clients that know both eras take an older version for the advice to begin with initialize.
  return eras === 'legacy' ? versionsOf(spoken) : (spoken.modern ?? MODERN_VERSIONS)
}

function withId({ id }: Call): { readonly id?: string } {
  return id === undefined ? {} : { id }
}
