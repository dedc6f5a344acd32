import type { ProtectedServer } from './setup.ts'

/**
 * The server a resource indicator names (RFC 8707). Clients may write scheme and host in capitals and
 * end the path with a slash (MCP, canonical server URI); nothing else is forgiven.
 */
export function findResource(
  text: string,
  servers: readonly ProtectedServer[],
): ProtectedServer | undefined {
  const exact = servers.find(({ resource }) => resource === text)
  if (exact !== undefined || !URL.canParse(text)) return exact
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || text.includes('#')) return undefined
  const canonical = url.origin + url.pathname.replace(/\/$/, '') + url.search
  return servers.find(({ resource }) => resource === canonical)
}
