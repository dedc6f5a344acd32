import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnder } from './under.ts'

const ROOT = '/reports/q3'

test('what is in a directory is under it, and so is the directory', () => {
  for (const path of ['/reports/q3', '/reports/q3/', '/reports/q3/a.txt', '/reports/q3/x/y/z']) {
    assert.equal(isUnder(path, ROOT), true, path)
  }
  assert.equal(isUnder('/reports/q3/a b', `${ROOT}/`), true)
  assert.equal(isUnder('/anything', '/'), true)
  assert.equal(isUnder('reports/q3', 'reports'), true)
})

test('what only begins like it is not, nor is no path at all', () => {
  for (const path of [
    '/reports/q3evil',
    '/reports/q30/a',
    '/reports',
    '/',
    '/other/reports/q3',
    '',
  ]) {
    assert.equal(isUnder(path, ROOT), false, path)
  }
  assert.equal(isUnder('/Reports/Q3/a', ROOT), false)
})

test('X-15: what readers resolve differently is no answer at all', () => {
  const tricks = [
    '/reports/q3/../../etc/passwd',
    '/reports/q3/./a',
    '/reports/q3//etc',
    '/reports/q3\\..\\..\\etc',
    '/reports/q3/%2e%2e/%2e%2e/etc',
    '/reports/q3/%252e%252e/etc',
    '/reports/q3/%25252525252e/etc',
    '/reports/q3%2f..%2f..%2fetc',
    '/reports/q3/%5c..%5cetc',
    '/reports/q3/a%00.txt',
    '/reports/q3/a\u0000',
    '/reports/q3/\u200b..',
    '/reports/q3/\u202egpj',
    '/reports/q3/\uff0e\uff0e/etc',
    '/reports/q3/\u2024\u2024/etc',
    '/reports/q3\uff0f..',
    '/reports/q3/\uff05\uff12e',
    '/reports/q3/cafe\u0301',
    '/reports/q3/\ud800',
    '/reports/%71%33/a',
    'reports/q3/a',
    '../reports/q3',
    `/reports/q3/${'a/'.repeat(2048)}b`,
  ]
  for (const path of tricks) {
    assert.throws(() => isUnder(path, ROOT), Error, JSON.stringify(path))
  }
  assert.throws(() => isUnder('/a', '/x/../a'))
  assert.throws(() => isUnder('/a', ''))
})

test('an escape that changes nothing about the answer is fine', () => {
  assert.equal(isUnder('/reports/q3/a%20b', ROOT), true)
  assert.equal(isUnder('/reports/q3/100%', ROOT), true)
  assert.equal(isUnder('/other/a%20b', ROOT), false)
})

test('of URIs the scheme and the host must be the same', () => {
  const root = 'file:///reports/q3'
  assert.equal(isUnder('file:///reports/q3/a', root), true)
  assert.equal(isUnder('https://x.example/reports/q3/a', 'https://x.example/reports'), true)
  assert.equal(isUnder('https://evil.example/reports/q3/a', 'https://x.example/reports'), false)
  assert.equal(isUnder('https://x.example.evil/reports', 'https://x.example/reports'), false)
  assert.equal(isUnder('/reports/q3/a', root), false)
  assert.equal(isUnder('file://host/reports/q3/a', root), false)
  assert.throws(() => isUnder('file:///reports/q3/../x', root))
})
