/** A small real picture, for whatever shows one. */
import { crc32, deflateSync } from 'node:zlib'

/** A square PNG of one colour (PNG §5, colour type 2). @param rgb Six hexadecimal digits. */
export function squarePng(rgb: string, pixels = 40): Buffer {
  const size = Buffer.alloc(13)
  size.writeUInt32BE(pixels, 0)
  size.writeUInt32BE(pixels, 4)
  size.set([8, 2], 8)
  // Each line begins with its filter, which is none.
  const line = Buffer.from(`00${rgb.repeat(pixels)}`, 'hex')
  const lines = Buffer.concat(Array.from({ length: pixels }, () => line))
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  const parts = [
    chunk('IHDR', size),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]
  return Buffer.concat([signature, ...parts])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
