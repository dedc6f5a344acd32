/** The requests that scenarios are made of. */
import type { Ask, Got, World } from './scenario.ts'

const LEGACY = '2025-11-25'
const MODERN = '2026-07-28'

export type CallOptions = {
  readonly token: string
  /** The session it belongs to, in the eras that have them. */
  readonly session?: string | undefined
  /** Whether the answer is the right one; a result by default. */
  readonly isGood?: (got: Got) => boolean
}

/** Calls the tool, in the legacy eras. */
export function callTool(world: World, options: CallOptions): Ask {
  return legacy(world, { ...options, method: 'tools/call', params: toolParams(world) })
}

/** Asks for the list of tools, in the legacy eras. */
export function listTools(world: World, options: CallOptions): Ask {
  return legacy(world, { ...options, method: 'tools/list', params: '{}' })
}

/** Begins a session; its id is in the answer's `mcp-session-id`. */
export function initialize(world: World, { token }: CallOptions): Ask {
  const client = '"clientInfo":{"name":"load","version":"1"}'
  const params = `{"protocolVersion":"${LEGACY}","capabilities":{},${client}}`
  return legacy(world, { token, method: 'initialize', params })
}

/** Says that the client has read the answer: the session may be used. */
export function initialized({ url }: World, { token, session = '' }: CallOptions): Ask {
  return {
    name: 'notifications/initialized',
    method: 'POST',
    url,
    headers: { ...jsonHeaders(token), 'mcp-protocol-version': LEGACY, 'mcp-session-id': session },
    body: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    isGood: ({ status }) => status === 202,
  }
}

/** Ends a session. */
export function endSession({ url }: World, { token, session = '' }: CallOptions): Ask {
  return {
    name: 'end of session',
    method: 'DELETE',
    url,
    headers: { authorization: `Bearer ${token}`, 'mcp-session-id': session },
    isGood: ({ status }) => status === 200 || status === 204,
  }
}

/** Calls the tool in the era without sessions. */
export function callModern(world: World, { token }: CallOptions): Ask {
  const meta =
    `"io.modelcontextprotocol/protocolVersion":"${MODERN}",` +
    `"io.modelcontextprotocol/clientCapabilities":{}`
  const params = `${toolParams(world).slice(0, -1)},"_meta":{${meta}}}`
  return {
    name: 'tools/call, modern',
    method: 'POST',
    url: world.url,
    headers: {
      ...jsonHeaders(token),
      'mcp-protocol-version': MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': world.tool,
    },
    body: message('tools/call', params),
    isGood: isResult,
  }
}

/** An operator revokes all that a client has. */
export function revoke({ ops, adminToken }: World, client: string): Ask {
  return {
    name: 'revocation',
    method: 'POST',
    url: `${ops}/admin/revocations`,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'client', value: client, reason: 'load' }),
    isGood: ({ status }) => status === 200 || status === 201,
  }
}

function legacy(
  { url }: World,
  asked: CallOptions & { readonly method: string; readonly params: string },
): Ask {
  const { token, session, method, params, isGood = isResult } = asked
  const inSession = session === undefined ? {} : { 'mcp-session-id': session }
  return {
    name: method,
    method: 'POST',
    url,
    headers: { ...jsonHeaders(token), 'mcp-protocol-version': LEGACY, ...inSession },
    body: message(method, params),
    isGood,
  }
}

function jsonHeaders(token: string): Readonly<Record<string, string>> {
  return {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
}

function message(method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`
}

function toolParams({ tool, arguments: args }: World): string {
  return `{"name":${JSON.stringify(tool)},"arguments":${args}}`
}

function isResult({ status, body }: Got): boolean {
  return status === 200 && body.includes('"result"') && !body.includes('"error"')
}
