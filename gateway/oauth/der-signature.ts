/** ECDSA signatures as OpenSSL reads and writes them, and as a JWS has them. */

/** ASN.1 tags (X.690 §8.3, §8.9). */
const INTEGER = 0x02
const SEQUENCE = 0x30

/** Says that the length is in the byte that follows; one below 128 stands by itself (X.690 §8.1.3). */
const ONE_BYTE_LENGTH = 0x81

/**
 * Returns an ECDSA signature in DER (RFC 3279 §2.2.3), given its two numbers side by side, each as long as
 * the other, as a JWS has them (RFC 7518 §3.4).
 *
 * @param pair At most 132 bytes, those of P-521.
 */
export function derOf(pair: Uint8Array): Buffer {
  const half = pair.length / 2
  const numbers = Buffer.concat([integer(pair.subarray(0, half)), integer(pair.subarray(half))])
  const { length } = numbers
  const head = length < 128 ? [SEQUENCE, length] : [SEQUENCE, ONE_BYTE_LENGTH, length]
  return Buffer.concat([Buffer.from(head), numbers])
}

/**
 * Returns the two numbers of an ECDSA signature in DER side by side, as a JWS has them (RFC 7518 §3.4).
 *
 * @param der As `sign` of `node:crypto` returns it; nothing that came from elsewhere.
 * @param numberBytes Bytes of each number in the result; at most 66, those of P-521.
 */
export function pairOf(der: Uint8Array, numberBytes: number): Buffer {
  const pair = Buffer.alloc(2 * numberBytes)
  let at = der[1] === ONE_BYTE_LENGTH ? 3 : 2
  for (const end of [numberBytes, 2 * numberBytes]) {
    const next = at + 2 + (der[at + 1] ?? 0)
    // A zero before a high bit is one byte more than the number has.
    const digits = der.subarray(Math.max(at + 2, next - numberBytes), next)
    pair.set(digits, end - digits.length)
    at = next
  }
  return pair
}

/** Without leading zeros, but for one that keeps the number from looking negative (X.690 §8.3). */
function integer(number: Uint8Array): Buffer {
  let first = 0
  while (number[first] === 0 && first < number.length - 1) first += 1
  const digits = number.subarray(first)
  const sign = (digits[0] ?? 0) < 0x80 ? [] : [0]
  return Buffer.concat([Buffer.from([INTEGER, sign.length + digits.length, ...sign]), digits])
}
