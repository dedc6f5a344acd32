import type { Call, Target } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'

/** Longest part of a name that is repeated to the caller. */
const MAX_ECHO_CHARS = 256

/** The code for a resource that does not exist, in every legacy revision; a modern server uses -32602. */
const LEGACY_RESOURCE_NOT_FOUND = -32002

/**
 * The answer for a name that no list shows this caller, in the same bytes whether the name is hidden
 * or does not exist (MCP 2026-07-28 server/tools, "Error Handling").
 */
export function unknownName(call: Call, target: Target): Refusal {
  const name = target.name.slice(0, MAX_ECHO_CHARS)
  switch (target.kind) {
    case 'tool':
      return new Refusal('unknown_name', { message: `Unknown tool: ${name}` })
    case 'prompt':
      return new Refusal('unknown_name', { message: `Unknown prompt: ${name}` })
    case 'task':
      return new Refusal('unknown_name', { message: 'Unknown task' })
    case 'resource':
    case 'template': {
      const data = { uri: name }
      const message = `Resource not found: ${name}`
      const legacy = call.era === 'legacy' && call.method !== 'completion/complete'
      return new Refusal(
        'unknown_name',
        legacy ? { message, data, rpc: LEGACY_RESOURCE_NOT_FOUND } : { message, data },
      )
    }
  }
}
