/** Whose `X-Forwarded-For` is believed: nobody's unless configured (R-HTTP-4). */
import { BlockList, isIP } from 'node:net'

/**
 * Returns a function from (socket address, header) to the address a request counts for: the last one
 * in the header that no trusted proxy appended, read from the right.
 *
 * @param trusted Addresses or CIDR blocks.
 */
export function createAddressOf(
  trusted: readonly string[],
): (socketAddress: string, forwardedFor: string | undefined) => string {
  const proxies = new BlockList()
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) proxies.addAddress(address, family)
    else proxies.addSubnet(address, Number(bits), family)
  }
  const isTrusted = (address: string): boolean => {
    const family = isIP(address)
    return family !== 0 && proxies.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
  return (socketAddress, forwardedFor) => {
    const peer = unmapped(socketAddress)
    if (trusted.length === 0 || forwardedFor === undefined || !isTrusted(peer)) return peer
    const hops = forwardedFor.split(',').map((hop) => unmapped(hop.trim()))
    for (const hop of hops.toReversed()) {
      if (isIP(hop) === 0) return peer
      if (!isTrusted(hop)) return hop
    }
    return peer
  }
}

/** `::ffff:127.0.0.1` is 127.0.0.1 (RFC 4291 §2.5.5.2). */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}
