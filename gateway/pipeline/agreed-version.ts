/**
 * The version that the response to an `initialize` agrees to; undefined when it names none. The bytes must
 * have been scanned strictly, so that any reader reads the same.
 */
export function agreedVersion(response: Uint8Array): string | undefined {
  const read: { result?: { protocolVersion?: unknown } } = JSON.parse(
    Buffer.from(response).toString('utf8'),
  )
  const version = read.result?.protocolVersion
  return typeof version === 'string' ? version : undefined
}
