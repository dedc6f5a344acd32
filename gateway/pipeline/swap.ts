/** Step 7: the caller's token stays here; what the server needs instead goes into fresh headers. */
import type { Permit } from '../model/permit.ts'
import type { McpServer } from '../model/server.ts'

/**
 * The headers that carry the credential this permit may use, flat. The caller's own credential is not
 * among them because nothing of the caller's headers is copied: `up-headers.ts` starts from nothing.
 */
export function swap(permit: Permit): readonly string[] {
  return credentialHeaders(permit.server)
}

/** A server's own credential for requests the gateway makes itself: look-ups, replies to the server. */
export function credentialHeaders({ credential }: McpServer): readonly string[] {
  switch (credential.kind) {
    case 'none':
      return []
    case 'static':
      return [credential.header, credential.value.reveal()]
  }
}
