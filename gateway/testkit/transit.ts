/**
 * A key service in the shape of the transit engine of HashiCorp Vault: the same paths, members, statuses and
 * errors for what a gateway asks of it, and keys with versions. Its answers about keys and ciphertexts were held
 * against the transit engine of Vault 1.21.4; those about tokens, mounts and seals are as documented.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

export const TRANSIT_TOKEN = 'transit-token-canary'

export type TransitService = {
  /** Answers one request. */
  readonly handle: (request: Request) => Promise<Response>
  /** Operations that were asked for, in order. */
  readonly asked: string[]
  /** Adds a version to the key: what is sealed from now on is sealed with it. */
  rotate(): void
  /** Versions below are not opened any more. */
  minVersion: number
  /** Answered to everything: 503 for a sealed service; undefined when all is well. */
  failing: number | undefined
  /** The token it takes. */
  token: string
}

type Body = Readonly<Record<string, unknown>>

/** An answer in place of data. */
class Problem extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * @param options.name Of its only key.
 * @param options.derived Whether that was made with `derived=true`.
 */
export function createTransitService(
  options: { readonly name?: string; readonly derived?: boolean } = {},
): TransitService {
  const { name = 'gatehouse', derived = false } = options
  const versions = [randomBytes(32)]
  const keyAt = (version: number, body: Body): Buffer => {
    const key = versions[version - 1]
    if (key === undefined) throw new Problem(400, 'invalid ciphertext: version is too new')
    if (!derived) return key
    if (typeof body['context'] !== 'string') {
      throw new Problem(
        400,
        "missing 'context' for key derivation; the key was created using a derived key",
      )
    }
    return createHmac('sha256', key).update(body['context']).digest()
  }
  const encrypt = (text: Buffer, body: Body): Body => {
    const version = versions.length
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', keyAt(version, body), iv)
    cipher.setAAD(bytesOf(body['associated_data']))
    const sealed = Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()])
    return { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version }
  }
  const decrypt = (body: Body): Buffer => {
    const parts = String(body['ciphertext']).split(':')
    if (parts[0] !== 'vault') throw new Problem(400, 'invalid ciphertext: no prefix')
    if (parts.length !== 3) throw new Problem(400, 'invalid ciphertext: wrong number of fields')
    const version = Number(parts[1]?.slice(1))
    if (version < service.minVersion) {
      throw new Problem(400, 'ciphertext or signature version is disallowed by policy (too old)')
    }
    const bytes = Buffer.from(parts[2] ?? '', 'base64')
    try {
      const decipher = createDecipheriv('aes-256-gcm', keyAt(version, body), bytes.subarray(0, 12))
      decipher.setAAD(bytesOf(body['associated_data']))
      decipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
    } catch (error) {
      if (error instanceof Problem) throw error
      throw new Problem(400, 'cipher: message authentication failed')
    }
  }
  const operate = (operation: string, body: Body): Body => {
    switch (operation) {
      case 'encrypt':
        return encrypt(bytesOf(body['plaintext']), body)
      case 'decrypt':
        return { plaintext: decrypt(body).toString('base64') }
      default:
        throw new Problem(404, `unsupported path`)
    }
  }
  const service: TransitService = {
    asked: [],
    minVersion: 1,
    failing: undefined,
    token: TRANSIT_TOKEN,
    rotate: () => void versions.push(randomBytes(32)),
    async handle(request) {
      const [, operation = '', key = ''] =
        /^\/v1\/transit\/(\w+)\/([\w-]+)$/.exec(new URL(request.url).pathname) ?? []
      service.asked.push(operation)
      try {
        if (service.failing !== undefined) throw new Problem(service.failing, 'Vault is sealed')
        if (request.headers.get('x-vault-token') !== service.token) {
          throw new Problem(403, 'permission denied')
        }
        if (operation === '') throw new Problem(404, 'no handler for route')
        if (key !== name) throw new Problem(400, 'encryption key not found')
        return Response.json({ data: operate(operation, (await request.json()) as Body) })
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        return Response.json({ errors: [error.message] }, { status: error.status })
      }
    },
  }
  return service
}

function bytesOf(text: unknown): Buffer {
  return Buffer.from(typeof text === 'string' ? text : '', 'base64')
}
