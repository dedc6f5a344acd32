/** Makes a call of a message: era and version, header agreement, method, targets, in this order. */
import type { Call, Direction } from '../model/call.ts'
import { methodDisagreement, nameDisagreement } from './agreement.ts'
import { readEra, readLegacyVersion } from './era.ts'
import type { Malformed } from './malformed.ts'
import type { Message } from './message.ts'
import { findMethod, type MethodRow, METHODS } from './methods.ts'
import { readTargets } from './targets.ts'
import { MODERN_VERSIONS } from './versions.ts'

/**
 * The request headers that mirror the body, outer white space already stripped:
 * `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name`. An empty value is a value.
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
  /**
   * Headers of the POST. For direction `down` there are none to check; `protocolVersion` may name the
   * version of the exchange, which then decides which methods may come down.
   */
  readonly headers: MirroredHeaders
  /** Methods beyond the specification that this server's configuration names. */
  readonly extraMethods: ReadonlySet<string>
}

/**
 * Reads one message as a call. Everything in it comes from the body; headers can only make it refused.
 * Problems carry the id of the request: `invalid_request` (a response to a modern server, a legacy
 * version that is not served), `invalid_params` (`_meta`, a missing or non-string name),
 * `unsupported_version`, `header_mismatch`, `unknown_method`.
 */
export function readCall(input: ReadCallInput): CallRead {
  const { message, direction, headers } = input
  const read = readEra(message, direction, headers.protocolVersion)
  if (!read.ok) return refuse(message, read.problem)
  const { era, version } = read
  if (message.kind === 'response') {
    return accept(message, { direction, era, version, needs: 'connection', targets: [] })
  }
  if (direction === 'up' && era === 'modern') {
    const lie = methodDisagreement(message, headers.method)
    if (lie !== undefined) return refuse(message, { code: 'header_mismatch', message: lie })
  }
  // A down message whose version is not known may be of any era; its exchange knows which.
  const anyEra = direction === 'down' && headers.protocolVersion === undefined
  const row = findMethod(message.method, direction, anyEra ? undefined : era)
  if (row !== undefined) return readKnown(input, row, { era, version })
  return input.extraMethods.has(message.method)
    ? accept(message, { direction, era, version, needs: 'method', targets: [] })
    : refuse(message, { code: 'unknown_method', message: 'Method not found' })
}

function readKnown(
  input: ReadCallInput,
  row: MethodRow,
  inForce: Pick<Call, 'era' | 'version'>,
): CallRead {
  const { message, direction, headers } = input
  if (message.kind !== row.kind) {
    const problem = row.kind === 'request' ? 'This method needs an id' : 'This method takes no id'
    return refuse(message, { code: 'invalid_request', message: problem })
  }
  const targets = readTargets(row.asks, message.params)
  if (targets === undefined || !fits(message, row)) {
    const problem = 'params lack what this method needs, or have it in another type'
    return refuse(message, { code: 'invalid_params', message: problem })
  }
  if (direction === 'up' && inForce.era === 'modern' && message.kind === 'request') {
    const lie = nameDisagreement(row.asks, targets, headers.name)
    if (lie !== undefined) return refuse(message, { code: 'header_mismatch', message: lie })
  }
  return accept(message, { ...inForce, direction, needs: needsOf(row, targets), targets })
}

/** Whether the members that may later be replaced or judged have the type they must have. */
function fits(message: Message, row: MethodRow): boolean {
  const { params, spans } = message
  if (params === undefined) return true
  if ((row.asks === 'tool' || row.asks === 'prompt') && !params.argumentsFit) return false
  if (spans.requestState !== undefined && params.requestState === undefined) return false
  return spans.requestId === undefined || params.requestId !== undefined
}

function needsOf(row: MethodRow, targets: Call['targets']): Call['needs'] {
  if (row.asks === 'connection' || row.asks === 'method') return row.asks
  // Listening to list changes only: nothing is asked for by name.
  return targets.length === 0 ? 'connection' : 'targets'
}

/** The call of a GET that opens a legacy stream. Refuses a version header that is not a legacy one. */
export function openStreamCall(headers: MirroredHeaders): CallRead {
  return bodiless('open_stream', headers)
}

/** The call of a DELETE that ends a legacy session. Refuses as `openStreamCall` does. */
export function endSessionCall(headers: MirroredHeaders): CallRead {
  return bodiless('end_session', headers)
}

/**
 * The call of a request that stands in a modern server's `input_required` result. It has no id: the
 * client's retry answers it. Refuses what no server may ask there with `unknown_method`.
 *
 * @param headers As for a message of direction `down`.
 */
export function inputCall(method: string, { protocolVersion = '' }: MirroredHeaders): CallRead {
  const isModern = MODERN_VERSIONS.includes(protocolVersion)
  if (!isModern || METHODS.get(method)?.input.includes('modern') !== true) {
    return { ok: false, problem: { code: 'unknown_method', message: 'Method not found' } }
  }
  const call: Call = {
    direction: 'down',
    kind: 'request',
    era: 'modern',
    version: protocolVersion,
    method,
    needs: 'method',
    targets: [],
    id: undefined,
    arguments: undefined,
    spans: {},
  }
  return { ok: true, call }
}

function bodiless(kind: 'open_stream' | 'end_session', headers: MirroredHeaders): CallRead {
  const read = readLegacyVersion(headers.protocolVersion)
  if (!read.ok) return read
  return {
    ok: true,
    call: {
      direction: 'up',
      kind,
      era: 'legacy',
      version: read.version,
      method: '',
      needs: 'connection',
      targets: [],
      id: undefined,
      arguments: undefined,
      spans: {},
    },
  }
}

function accept(
  message: Message,
  what: Pick<Call, 'direction' | 'era' | 'version' | 'needs' | 'targets'>,
): CallRead {
  return {
    ok: true,
    call: {
      direction: what.direction,
      kind: message.kind,
      era: what.era,
      version: what.version,
      method: message.method,
      needs: what.needs,
      targets: what.targets,
      id: message.id?.text,
      arguments: message.params?.arguments,
      spans: message.spans,
    },
  }
}

function refuse(message: Message, problem: Malformed): CallRead {
  return message.kind === 'request' && message.id !== undefined
    ? { ok: false, problem: { ...problem, id: message.id.text } }
    : { ok: false, problem }
}
