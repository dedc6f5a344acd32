/**
 * Connections for addresses that a stranger chose: https on its own port, and only to addresses of the public
 * internet, checked where they are dialled, so that a name which changes its mind in between gains nothing
 * (R-SSRF).
 */
import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP } from 'node:net'

import { isPublicAddress } from './special-addresses.ts'

/** Resolves a name to all of its addresses, as `dns.lookup` with `all: true` does. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** A literal address is never resolved, so it is judged here; its many spellings URL has made one. */
export function isPublicUrl({ protocol, hostname, port, username, password }: URL): boolean {
  if (protocol !== 'https:' || port !== '' || username !== '' || password !== '') return false
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 || isPublicAddress(host)
}

/** Every address of a name must be public, and the one that was checked is the one that is dialled. */
export function publicOnly(resolve: Resolve) {
  return (
    hostname: string,
    options: LookupOptions,
    callback: (
      error: NodeJS.ErrnoException | null,
      address: string | LookupAddress[],
      family?: number,
    ) => void,
  ): void => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      // With an error there are none, whatever the types say.
      const addresses = error === null ? found : []
      const [first] = addresses
      const isPublic = addresses.every(({ address }) => isPublicAddress(address))
      if (error !== null || first === undefined || !isPublic) callback(notPublic(), [])
      else if (options.all === true) callback(null, [first])
      else callback(null, first.address, first.family)
    })
  }
}

function notPublic(): Error {
  return Object.assign(new Error('not on the public internet'), { code: 'NOT_PUBLIC' })
}
