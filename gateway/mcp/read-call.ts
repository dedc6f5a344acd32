import type { Call, Direction } from '../model/call.ts'
import type { Malformed } from './malformed.ts'
import type { Message } from './message.ts'
import { UNSTATED_VERSION } from './versions.ts'

/**
 * The request headers that mirror the body, outer whitespace already stripped: `MCP-Protocol-Version`,
 * `Mcp-Method`, `Mcp-Name`. An empty value is a value.
 */
export type MirroredHeaders = {
  readonly protocolVersion?: string | undefined
  readonly method?: string | undefined
  readonly name?: string | undefined
}

export type CallRead =
  | { readonly ok: true; readonly call: Call }
  | { readonly ok: false; readonly problem: Malformed }

export type ReadCallInput = {
  readonly message: Message
  readonly direction: Direction
  readonly headers: MirroredHeaders
  /** Methods beyond the specification that this server's configuration names. */
  readonly extraMethods: ReadonlySet<string>
}

/** Reads one message as a call. */
export function readCall(input: ReadCallInput): CallRead {
  const { message, direction, headers } = input
  const name = message.params?.name
  return {
    ok: true,
    call: {
      direction,
      kind: message.kind,
      era: message.params?.meta?.claimsModern === true ? 'modern' : 'legacy',
      version: headers.protocolVersion ?? UNSTATED_VERSION,
      method: message.method,
      needs: message.method === 'tools/call' ? 'targets' : 'connection',
      targets: name === undefined ? [] : [{ kind: 'tool', name }],
      id: message.id?.text,
      arguments: message.params?.arguments,
      spans: {},
    },
  }
}

/** The call of a GET that opens a legacy stream. */
export function openStreamCall(headers: MirroredHeaders): CallRead {
  return bodiless('open_stream', headers)
}

/** The call of a DELETE that ends a legacy session. */
export function endSessionCall(headers: MirroredHeaders): CallRead {
  return bodiless('end_session', headers)
}

function bodiless(kind: 'open_stream' | 'end_session', headers: MirroredHeaders): CallRead {
  return {
    ok: true,
    call: {
      direction: 'up',
      kind,
      era: 'legacy',
      version: headers.protocolVersion ?? UNSTATED_VERSION,
      method: '',
      needs: 'connection',
      targets: [],
      id: undefined,
      arguments: undefined,
      spans: {},
    },
  }
}
