import { isIP, isIPv4 } from 'node:net'

/** Whether a host name, address or URL hostname (`[::1]`) can only mean this machine (RFC 6761 §6.3). */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  if (isIP(name) !== 0) return name === '::1' || (isIPv4(name) && name.startsWith('127.'))
  return name === 'localhost' || name.endsWith('.localhost')
}
