/** Plain JSON-RPC over HTTP for tests that need to see every byte and header. */

export type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined when it is not. */
  readonly json: RpcReply | undefined
}

export type RpcReply = {
  readonly id?: unknown
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

export const MODERN = '2026-07-28'

/** Everything that a server may ask of a client. */
const CAPABILITIES = { sampling: {}, roots: {}, elicitation: { form: {}, url: {} } }

export type PostOptions = {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** POSTs a body to a URL with a token. */
export async function post(url: string, body: unknown, options: PostOptions = {}): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parse(text) }
}

/** Opens a legacy session and returns its id, as the client sees it. @param capabilities All by default. */
export async function openSession(
  url: string,
  token: string,
  protocolVersion = '2025-11-25',
  capabilities: object = CAPABILITIES,
): Promise<string> {
  const params = { protocolVersion, capabilities, clientInfo: { name: 'c', version: '1' } }
  const { status, headers, text } = await post(url, request('initialize', params), { token })
  const sessionId = headers.get('mcp-session-id')
  if (sessionId === null) throw new Error(`no session opened: ${status} ${text}`)
  return sessionId
}

/** A legacy call of a tool. */
export function callTool(name: string, args: unknown = {}, id: unknown = 1): unknown {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
}

/** A legacy request. */
export function request(method: string, params: unknown = {}, id: unknown = 1): unknown {
  return { jsonrpc: '2.0', id, method, params }
}

/** A modern request with its mirrored headers. @param capabilities All by default. */
export function modern(
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  id: unknown = 1,
  capabilities: object = CAPABILITIES,
): { readonly body: unknown; readonly headers: Readonly<Record<string, string>> } {
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  return {
    body: {
      jsonrpc: '2.0',
      id,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientCapabilities': capabilities,
        },
      },
    },
    headers: {
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
  }
}

function parse(text: string): RpcReply | undefined {
  try {
    return JSON.parse(text) as RpcReply
  } catch {
    return undefined
  }
}
