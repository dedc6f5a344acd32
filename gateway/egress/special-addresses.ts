/**
 * Addresses that no server of the public internet has (RFC 6890 and what came after it): this machine, its
 * network, clouds' metadata services, and the IPv6 forms in which any of them can be written.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

const IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** All of IPv6 but its one range of global unicast addresses, and what is special within that. */
const IPV6: readonly (readonly [string, number])[] = [
  // Mapped, translated (NAT64), 6to4, Teredo: an IPv4 address in other clothes.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]

const GLOBAL_IPV6 = new BlockList()
GLOBAL_IPV6.addSubnet('2000::', 3, 'ipv6')

const SPECIAL = new BlockList()
for (const [network, bits] of IPV4) SPECIAL.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of IPV6) SPECIAL.addSubnet(network, bits, 'ipv6')

/** Whether a server at this address may be one that a stranger names. False for what is no address. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL.check(address, 'ipv4')
  if (!isIPv6(address) || address.includes('%')) return false
  return GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6')
}
