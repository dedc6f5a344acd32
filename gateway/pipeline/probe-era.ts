/**
 * Asks a server which eras it speaks, as a client would: with `server/discover`, and where that does not
 * settle it with `initialize`. With the server's own credential or none, never a caller's.
 */
import { LEGACY_VERSIONS, NOTHING_KNOWN, type Spoken } from '../mcp/spoken.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { McpServer } from '../model/server.ts'
import type { Asking } from './list-on-stream.ts'
import { memberOf } from './member-of.ts'
import { ask, endSession, type Heard, type Hearing, type Reply } from './probe-question.ts'

const CLIENT = { name: 'gatehouse', version: '1' }

/** Statuses that say who may ask, when and how often, and nothing of versions. */
const NO_ANSWER: ReadonlySet<number> = new Set([401, 403, 407, 408, 421, 425, 429])

const INTERNAL_ERROR = -32_603
const UNSUPPORTED_VERSION = -32_022

/** Errors of the modern revisions about a request that cannot have them: whatever it is, it is modern. */
const ONLY_MODERN: ReadonlySet<unknown> = new Set([-32_020, -32_021])

/** What comes of `server/discover`. */
type Discovered =
  | { readonly kind: 'versions'; readonly versions: readonly string[] }
  /** An MCP server that has never heard of it. */
  | { readonly kind: 'unknown_method' }
  /** A no without a word of MCP, perhaps of something in between. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unclear' }

/**
 * The versions of both eras that a server and the gateway serve. A server that has never heard of
 * `server/discover` is a legacy one, and is not asked for more: some have room for one session in all.
 * Never rejects.
 *
 * @param hear Is told of each answer what it came with, for whoever wonders why nothing is known.
 */
export async function probeEras(
  server: McpServer,
  asking: Asking,
  hear: (what: Heard) => void = () => undefined,
): Promise<Spoken> {
  const conversations: Hearing = { send: (to, request) => asking.send(to, request), hear }
  const found = await discover(server, conversations)
  switch (found.kind) {
    case 'unclear':
      return NOTHING_KNOWN
    case 'unknown_method':
      return { modern: [], legacy: LEGACY_VERSIONS }
    case 'refused':
      return { modern: [], legacy: await shakeHands(server, conversations) }
    case 'versions':
      return { modern: found.versions, legacy: await shakeHands(server, conversations) }
  }
}

/** Whether a server of one era still does not speak the other. */
export async function lacksStill(
  missing: 'legacy' | 'modern',
  server: McpServer,
  conversations: Asking,
): Promise<boolean> {
  if (missing === 'legacy') return (await shakeHands(server, conversations))?.length === 0
  const { kind } = await discover(server, conversations)
  return kind === 'unknown_method' || kind === 'refused'
}

async function discover(server: McpServer, conversations: Hearing): Promise<Discovered> {
  const [version = ''] = MODERN_VERSIONS
  const method = 'server/discover'
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': CLIENT,
  }
  const reply = await ask(server, conversations, {
    era: 'modern',
    method,
    params: { _meta: meta },
    head: { protocolVersion: version, method },
  })
  if (reply === undefined) return { kind: 'unclear' }
  const result = memberOf(reply.response, 'result')
  const { code, data } = errorIn(reply)
  const listed = listOf(
    code === UNSUPPORTED_VERSION
      ? memberOf(data, 'supported')
      : memberOf(result, 'supportedVersions'),
  )
  if (listed !== undefined) {
    const versions = MODERN_VERSIONS.filter((known) => listed.includes(known))
    return { kind: 'versions', versions }
  }
  if (code === UNSUPPORTED_VERSION || ONLY_MODERN.has(code)) return { kind: 'unclear' }
  // A result of another form is that of a server which answers anything.
  if (result !== undefined) return { kind: 'unknown_method' }
  if (!isRefused(reply)) return { kind: 'unclear' }
  return { kind: isOfProtocol(code) ? 'unknown_method' : 'refused' }
}

/**
 * The legacy version that a server settles on when the newest one is asked for; empty when it has none,
 * undefined when its answer does not tell. A session it opens is ended again.
 */
async function shakeHands(
  server: McpServer,
  conversations: Hearing,
): Promise<readonly string[] | undefined> {
  const [protocolVersion = ''] = LEGACY_VERSIONS
  const params = { protocolVersion, capabilities: {}, clientInfo: CLIENT }
  const reply = await ask(server, conversations, { era: 'legacy', method: 'initialize', params })
  if (reply === undefined) return undefined
  const agreed = memberOf(memberOf(reply.response, 'result'), 'protocolVersion')
  if (agreed === undefined) return isRefused(reply) ? [] : undefined
  const known = LEGACY_VERSIONS.filter((version) => version === agreed)
  await endSession(server, conversations, {
    sessionId: reply.sessionId,
    protocolVersion: known[0],
  })
  return known.length > 0 ? known : undefined
}

function errorIn({ response }: Reply): { readonly code: unknown; readonly data: unknown } {
  const error = memberOf(response, 'error')
  return { code: memberOf(error, 'code'), data: memberOf(error, 'data') }
}

/** Whether a sound server says that it does not do this. */
function isRefused(reply: Reply): boolean {
  const { status } = reply
  if (NO_ANSWER.has(status) || status >= 500 || (status >= 300 && status < 400)) return false
  const { code } = errorIn(reply)
  return code === undefined ? status >= 400 : code !== INTERNAL_ERROR
}

/** Codes that JSON-RPC and the older revisions have: whoever sends one speaks MCP. */
function isOfProtocol(code: unknown): boolean {
  return typeof code === 'number' && code >= -32_768 && code <= -32_000
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}
