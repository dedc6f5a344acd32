import assert from 'node:assert/strict'
import { test } from 'node:test'
import { derOf, pairOf } from './der-signature.ts'

const CASES: readonly { readonly name: string; readonly pair: string; readonly der: string }[] = [
  { name: 'as they are', pair: '1122 3344', der: '3008 0202 1122 0202 3344' },
  { name: 'without leading zeros', pair: '0022 0044', der: '3006 0201 22 0201 44' },
  {
    name: 'with one zero before a high bit',
    pair: '8122 ff44',
    der: '300a 0203 008122 0203 00ff44',
  },
  { name: 'with one zero for many', pair: '000081 000012', der: '3007 0202 0081 0201 12' },
  { name: 'as one zero where they are nothing', pair: '0000 0000', der: '3006 0201 00 0201 00' },
]

for (const { name, pair, der } of CASES) {
  test(`the numbers of a signature are written ${name}`, () => {
    assert.deepEqual(derOf(bytes(pair)), bytes(der))
  })

  test(`the numbers of a signature are read that are written ${name}`, () => {
    assert.deepEqual(pairOf(bytes(der), bytes(pair).length / 2), bytes(pair))
  })
}

test('from 128 bytes on the length of a signature stands in a byte of its own', () => {
  const number = '01'.repeat(62)
  assert.deepEqual(derOf(bytes(number + number)).subarray(0, 4), bytes('3081 8002'))
  const short = '01'.repeat(61)
  assert.deepEqual(derOf(bytes(short + short)).subarray(0, 3), bytes('307e 02'))
})

test('the longest signature is that of P-521', () => {
  const number = 'ff'.repeat(66)
  assert.deepEqual(derOf(bytes(number + number)).subarray(0, 6), bytes('3081 8a02 4300'))
})

test('numbers of P-521 are read with their length in a byte of its own', () => {
  for (const number of ['ff'.repeat(66), '01'.repeat(66), `00${'81'.repeat(65)}`]) {
    assert.deepEqual(pairOf(derOf(bytes(number + number)), 66), bytes(number + number))
  }
})

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}
