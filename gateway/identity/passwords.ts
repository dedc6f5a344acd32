/**
 * Hashes of passwords: scrypt (RFC 7914), with its parameters beside the hash so that they can grow.
 * `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`, the last two in base64url.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** 32 MiB and about 0.2 s of one core: what OWASP's list of 2025 asks of scrypt with N = 2^15. */
const LOG_N = 15
const BLOCK_SIZE = 8
const PARALLEL = 3

const SALT_BYTES = 16
const HASH_BYTES = 32

/** No stored hash may ask for more than this, in bytes: checking one must not use up the memory. */
const MAX_MEMORY_BYTES = 160 * 1_048_576

/** Characters of a password that are looked at; longer ones are refused. */
export const MAX_PASSWORD_CHARS = 256

/** Returns the hash to be put into the file of users. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const options = { logN: LOG_N, blockSize: BLOCK_SIZE, parallel: PARALLEL }
  const hash = await derive(password, salt, options)
  return `scrypt$${LOG_N}$${BLOCK_SIZE}$${PARALLEL}$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

/**
 * Whether this is the password. Without a hash (nobody has that name) it takes as long and is false, so
 * that the time does not tell which names there are.
 */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  if (password.length > MAX_PASSWORD_CHARS) return false
  const [, logN = LOG_N, blockSize = BLOCK_SIZE, parallel = PARALLEL, salt = '', right = ''] =
    stored?.split('$') ?? []
  const options = { logN: Number(logN), blockSize: Number(blockSize), parallel: Number(parallel) }
  try {
    const hash = await derive(password, Buffer.from(salt, 'base64url'), options)
    const expected = Buffer.from(right, 'base64url')
    return expected.length === hash.length && timingSafeEqual(expected, hash)
  } catch {
    // Parameters that cannot be: such a hash is nobody's.
    return false
  }
}

type Parameters = {
  readonly logN: number
  readonly blockSize: number
  readonly parallel: number
}

function derive(password: string, salt: Buffer, { logN, blockSize, parallel }: Parameters) {
  return new Promise<Buffer>((resolve, reject) => {
    const options = { N: 2 ** logN, r: blockSize, p: parallel, maxmem: MAX_MEMORY_BYTES }
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    )
  })
}
