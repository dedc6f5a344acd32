/** Which certificate a client showed when it connected: what tokens can be bound to (RFC 8705 §3). */
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** SHA-256 of the certificate of a connection, in base64url; undefined for one without. */
export type CertificateOf = (socket: Socket) => string | undefined

/** Returns what reads it once per connection. Only for listeners that verify certificates. */
export function createClientCertificates(): CertificateOf {
  const known = new WeakMap<Socket, string>()
  return (socket) => {
    const before = known.get(socket)
    if (before !== undefined) return before
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return undefined
    const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url')
    known.set(socket, thumbprint)
    return thumbprint
  }
}
