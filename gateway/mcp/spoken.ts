/** Which protocol versions a server speaks, as far as it is known. */
import type { McpServer } from '../model/server.ts'
import { MODERN_VERSIONS, SUPPORTED_VERSIONS } from './versions.ts'

/**
 * The versions of each era that a server and the gateway both serve, newest first. Empty: the server
 * serves none of that era; undefined: nobody knows.
 */
export type Spoken = {
  readonly legacy: readonly string[] | undefined
  readonly modern: readonly string[] | undefined
}

/** Of a server that has not been asked, or whose answer tells nothing. */
export const NOTHING_KNOWN: Spoken = { legacy: undefined, modern: undefined }

/** The revisions of the legacy era that the gateway serves, newest first. */
export const LEGACY_VERSIONS: readonly string[] = SUPPORTED_VERSIONS.filter(
  (version) => !MODERN_VERSIONS.includes(version),
)

/** The revision of HTTP+SSE; no later one has it. */
const SSE_VERSIONS: readonly string[] = ['2024-11-05']

/** What is known of a server before anybody asked it. */
export function spokenAsConfigured({ eras, upstream }: McpServer): Spoken {
  // The modern revisions are of Streamable HTTP alone.
  if (upstream.transport === 'sse') return { legacy: SSE_VERSIONS, modern: [] }
  if (upstream.transport === 'websocket') return { legacy: LEGACY_VERSIONS, modern: [] }
  switch (eras) {
    case 'probe':
      return NOTHING_KNOWN
    case 'legacy':
      return { legacy: LEGACY_VERSIONS, modern: [] }
    case 'modern':
      return { legacy: [], modern: MODERN_VERSIONS }
    case 'both':
      return { legacy: LEGACY_VERSIONS, modern: MODERN_VERSIONS }
  }
}

export type Eras = 'legacy' | 'modern' | 'both' | 'unknown'

/** The eras in one word. A server that seems to serve neither has not been understood. */
export function erasOf({ legacy, modern }: Spoken): Eras {
  if (legacy === undefined || modern === undefined) return 'unknown'
  if (legacy.length > 0) return modern.length > 0 ? 'both' : 'legacy'
  return modern.length > 0 ? 'modern' : 'unknown'
}

/** Both eras in one list, newest first. */
export function versionsOf({ legacy = [], modern = [] }: Spoken): readonly string[] {
  return [...modern, ...legacy]
}
