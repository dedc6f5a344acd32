/** Whether the server behind has seen more than policy allows, in any reading of what it was sent. */
import type { Tree } from './reader-models.ts'
import { parseTree, READER_MODELS } from './reader-models.ts'
import type { Seen } from './recording-server.ts'

const HEADERS_UP = new Set(
  `accept connection content-length content-type host last-event-id mcp-method mcp-name
  mcp-protocol-version mcp-session-id traceparent tracestate`.split(/\s+/),
)

/** What is wrong about a request that went up: by no reading may it be more than `BENT_RULES` allow. */
export function forbidden(
  { method, target, headers, rawHeaders, body }: Seen,
  { origin, token }: { readonly origin: string; readonly token: string },
): string | undefined {
  if (target !== '/mcp') return 'target'
  if (headers.host !== new URL(origin).host) return 'host'
  for (const name of Object.keys(headers)) {
    if (!HEADERS_UP.has(name) && !name.startsWith('mcp-param-')) return `header ${name}`
  }
  if (rawHeaders.some((value) => value.includes(token.slice(-40)))) return 'token'
  if (method === 'GET' || method === 'DELETE') return body.length === 0 ? undefined : 'body'
  if (method !== 'POST') return 'method'
  const tree = treeOf(body)
  if (tree === undefined) return 'no JSON'
  for (const [model, find] of Object.entries(READER_MODELS)) {
    const why = forbiddenCall(tree, find)
    if (why !== undefined) return `${model}: ${why}`
  }
  return undefined
}

function treeOf(body: Buffer): Tree | undefined {
  const text = body.toString('utf8')
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return parseTree(text)
}

/** What is wrong about a message as one parser reads it. */
function forbiddenCall(
  tree: Tree,
  find: (tree: Tree | undefined, name: string) => Tree | undefined,
): string | undefined {
  const text = (found: Tree | undefined): string | undefined =>
    found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined
  const method = text(find(tree, 'method'))
  const params = find(tree, 'params')
  switch (method) {
    case 'tools/call':
      return text(find(params, 'name')) === 'echo' ? undefined : 'tool'
    case 'resources/read':
      return text(find(params, 'uri'))?.startsWith('file:///pub/') ? undefined : 'resource'
    case 'tools/list':
    case 'initialize':
    case 'notifications/initialized':
      return undefined
    default:
      return `method ${String(method)}`
  }
}

/** All of a request, to be printed. */
export function show({ method, target, rawHeaders, body }: Seen): string {
  return JSON.stringify({ method, target, rawHeaders, body: body.toString('latin1') })
}
