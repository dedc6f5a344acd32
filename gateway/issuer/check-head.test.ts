import assert from 'node:assert/strict'
import { test } from 'node:test'

import { refuseHead } from './check-head.ts'

const FORM = ['Host', 'gw.example', 'Content-Type', 'application/x-www-form-urlencoded']

function statusOf(more: readonly string[] = [], httpVersion = '1.1'): number {
  return refuseHead({ httpVersion, rawHeaders: [...FORM, ...more] })?.status ?? 200
}

test('A head that everybody reads alike is let through, and other headers may come twice', () => {
  assert.equal(statusOf(), 200)
  assert.equal(statusOf(['Authorization', 'Basic eDp5', 'DPoP', 'a', 'Origin', 'https://a']), 200)
  assert.equal(statusOf(['Cookie', 'a=b', 'cookie', 'c=d', 'Transfer-Encoding', 'Chunked']), 200)
  assert.equal(statusOf(['Content-Encoding', 'identity']), 200)
})

test('HTTP/1.0 is not spoken', () => {
  assert.equal(statusOf([], '1.0'), 505)
  assert.equal(statusOf([], '0.9'), 505)
})

for (const name of ['Host', 'Content-Type', 'Authorization', 'Content-Length', 'Origin', 'DPoP']) {
  test(`${name} that is sent twice is refused, the same twice too`, () => {
    for (const [one, other] of [
      ['a', 'b'],
      ['a', 'a'],
    ] as const) {
      assert.equal(statusOf([name, one, name.toUpperCase(), other]), 400)
    }
  })
}

test('A body that is coded is refused, however that is said', () => {
  assert.equal(statusOf(['Content-Encoding', 'gzip']), 415)
  for (const coding of ['gzip, chunked', 'identity', 'chunked, chunked', '']) {
    assert.equal(statusOf(['transfer-encoding', coding]), 400, coding)
  }
})

test('A body is UTF-8, or says nothing of it', () => {
  const typed = (type: string) =>
    refuseHead({ httpVersion: '1.1', rawHeaders: ['Content-Type', type] })
  const form = 'application/x-www-form-urlencoded'
  for (const right of ['utf-8', 'UTF-8', '"utf-8"', 'utf8']) {
    assert.equal(typed(`${form}; charset=${right}`), undefined, right)
  }
  assert.equal(typed(`${form};x=utf-16`), undefined)
  for (const wrong of ['utf-16', 'UTF-16LE', 'iso-8859-1', '', 'utf-8; charset=utf-16']) {
    const answer = typed(`application/json ; Charset = ${wrong}`)
    assert.equal(answer?.status, 415, wrong)
    assert.match(answer?.body, /"error":"invalid_request"/)
  }
})
