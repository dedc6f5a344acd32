/**
 * Which era a message belongs to and which version is in force: from the body first, with the
 * `MCP-Protocol-Version` header as a check. A malformed modern claim is refused, never taken for legacy.
 */
import type { Direction, Era } from '../model/call.ts'
import type { Malformed, MalformedCode } from './malformed.ts'
import type { Message } from './message.ts'
import { MODERN_VERSIONS, SUPPORTED_VERSIONS, UNSTATED_VERSION } from './versions.ts'

export type EraRead =
  | { readonly ok: true; readonly era: Era; readonly version: string }
  | { readonly ok: false; readonly problem: Malformed }

/** Characters of a version text. The known ones have 10; it is echoed and recorded. */
const MAX_VERSION_CHARACTERS = 32

/**
 * @param header `MCP-Protocol-Version` of the request that carried the message; for direction `down`
 *   the version of the exchange, where it is known. Without one a message is legacy.
 */
export function readEra(
  message: Message,
  direction: Direction,
  header: string | undefined,
): EraRead {
  if (direction === 'down') return inForce(header ?? UNSTATED_VERSION)
  if (message.kind !== 'response' && message.params?.meta?.claimsModern === true) {
    return readClaim(message, header)
  }
  return header !== undefined && MODERN_VERSIONS.includes(header)
    ? readUnclaimed(message, header)
    : readLegacy(message, header)
}

/** A message whose `_meta` names its version: that version is in force, and the header must agree. */
function readClaim(message: Message, header: string | undefined): EraRead {
  const meta = message.params?.meta
  const claimed = meta?.protocolVersion
  if (claimed === undefined || !isVersionText(claimed)) {
    return refuse('invalid_params', 'The protocol version in params._meta is not a version')
  }
  if (header !== undefined && header !== claimed) {
    return refuse('header_mismatch', 'MCP-Protocol-Version does not match params._meta')
  }
  if (!SUPPORTED_VERSIONS.includes(claimed)) {
    // As `server/discover` lists them: the versions a request of this form may name.
    return refuse('unsupported_version', 'Unsupported protocol version', {
      supported: MODERN_VERSIONS,
      requested: claimed,
    })
  }
  if (!MODERN_VERSIONS.includes(claimed)) return readLegacy(message, claimed)
  if (message.kind === 'request') {
    if (header === undefined) {
      return refuse('header_mismatch', 'MCP-Protocol-Version is missing')
    }
    if (meta?.clientCapabilities === undefined) {
      return refuse('invalid_params', 'params._meta lacks the client capabilities')
    }
  }
  return inForce(claimed)
}

/** A message under a modern header that names no version itself. */
function readUnclaimed(message: Message, header: string): EraRead {
  switch (message.kind) {
    case 'response':
      return refuse('invalid_request', 'This protocol version has no responses of clients')
    case 'notification':
      return inForce(header)
    case 'request':
      return message.method === 'initialize'
        ? refuse('header_mismatch', 'MCP-Protocol-Version names a version without initialize')
        : refuse('invalid_params', 'params._meta lacks the protocol version')
  }
}

function readLegacy(message: Message, header: string | undefined): EraRead {
  const read = readLegacyVersion(header)
  if (!read.ok || message.kind !== 'request' || message.method !== 'initialize') return read
  // Any version may be asked for: the server answers with one it speaks (lifecycle, "Negotiation").
  const asked = message.params?.protocolVersion
  return asked !== undefined && isVersionText(asked)
    ? { ok: true, era: 'legacy', version: asked }
    : refuse('invalid_params', 'params.protocolVersion is not a version')
}

/** The version of legacy traffic by its header alone; a modern one is not among them. */
export function readLegacyVersion(header: string | undefined): EraRead {
  if (header === undefined) return inForce(UNSTATED_VERSION)
  return SUPPORTED_VERSIONS.includes(header) && !MODERN_VERSIONS.includes(header)
    ? inForce(header)
    : refuse('invalid_request', 'MCP-Protocol-Version is not supported here')
}

function inForce(version: string): EraRead {
  return { ok: true, era: MODERN_VERSIONS.includes(version) ? 'modern' : 'legacy', version }
}

function refuse(code: MalformedCode, message: string, data?: Malformed['data']): EraRead {
  return { ok: false, problem: data === undefined ? { code, message } : { code, message, data } }
}

/** 1 to 32 visible ASCII characters. */
function isVersionText(text: string): boolean {
  if (text === '' || text.length > MAX_VERSION_CHARACTERS) return false
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code > 0x7e) return false
  }
  return true
}
