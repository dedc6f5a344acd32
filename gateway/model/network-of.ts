import { isIPv6 } from 'node:net'

/**
 * What counts as one place when attempts are counted: an IPv4 address, or the /64 of an IPv6 address,
 * because a single host usually has a whole one to choose addresses from (RFC 6177).
 */
export function networkOf(address: string): string {
  // The pattern behind `isIPv6` is a long one, and hardly any address has a colon.
  if (!address.includes(':') || !isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [before = '', after = ''] = address.toLowerCase().split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === '' ? [] : after.split(':')
  const zeros = address.includes('::') ? Array<string>(8 - head.length - tail.length).fill('0') : []
  return [...head, ...zeros, ...tail].slice(0, 4).join(':')
}
