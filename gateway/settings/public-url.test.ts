import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathFault } from './public-url.ts'

test('a plain path can be a public path', () => {
  for (const path of ['/mcp', '/mcp/docs', '/a.b/c-d_e~f', '/v1/mcp@team', '/..a/b..']) {
    assert.equal(pathFault(path), undefined, path)
  }
})

test('what a proxy on the way may rewrite cannot be a public path', () => {
  const faults: Record<string, string> = {
    '': 'must begin with /',
    mcp: 'must begin with /',
    '/': 'must not end with /',
    '/mcp/': 'must not end with /',
    '/a//b': 'must not contain //',
    '/a/../b': 'must not contain . or .. as a segment',
    '/a/.': 'must not contain . or .. as a segment',
    '/a/..': 'must not contain . or .. as a segment',
  }
  for (const [path, fault] of Object.entries(faults)) assert.equal(pathFault(path), fault, path)
  for (const path of ['/a%2fb', '/a b', '/a;b', '/a?b', '/a#b', '/a\\b', '/ä', '/a\u0000']) {
    assert.match(pathFault(path) ?? '', /^must consist of/, path)
  }
})
