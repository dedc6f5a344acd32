import assert from 'node:assert/strict'
import { test } from 'node:test'

import { cutMembers } from './cut-members.ts'
import { splice } from './edit.ts'

const MEMBERS = ['"a": 1', '"cut" : {"x":"y, z"}', '"b":[2]', '"gone"\n:\t"s"', '"c":"d"']
const CUT = new Set([1, 3])

/** All orders of some things. */
function orders<T>(things: readonly T[]): readonly (readonly T[])[] {
  if (things.length < 2) return [things]
  return things.flatMap((first, at) =>
    orders(things.toSpliced(at, 1)).map((others) => [first, ...others]),
  )
}

test('members go wherever they stand, and what is left is JSON with the others in order', () => {
  for (const separator of [',', ' , ', ',\n  ']) {
    for (const count of [2, 3, 4, 5]) {
      for (const order of orders([0, 1, 2, 3, 4].slice(0, count))) {
        const text = `{ ${order.map((at) => MEMBERS[at]).join(separator)} }`
        const values = order
          .filter((at) => CUT.has(at))
          .map((at) => {
            const value = MEMBERS[at]!.replace(/^"\w+"\s*:\s*/, '')
            const end = text.indexOf(MEMBERS[at]!) + MEMBERS[at]!.length
            return { start: end - value.length, end }
          })
        const bytes = Buffer.from(text)
        const left = Buffer.from(splice(bytes, cutMembers(bytes, values))).toString()
        const kept = order.filter((at) => !CUT.has(at)).map((at) => MEMBERS[at])
        assert.deepEqual(
          Object.entries(JSON.parse(left)),
          Object.entries(JSON.parse(`{${kept.join()}}`)),
          text,
        )
      }
    }
  }
})

test('what is not cut stays byte for byte', () => {
  const text = '{"p": {"keep":  1 ,"cut":2}, "q":\t3}'
  const at = text.indexOf('2')
  const bytes = Buffer.from(text)
  const left = splice(bytes, cutMembers(bytes, [{ start: at, end: at + 1 }]))
  assert.equal(Buffer.from(left).toString(), '{"p": {"keep":  1 }, "q":\t3}')
})
