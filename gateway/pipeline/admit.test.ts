import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { testJourney } from '../testkit/pipeline.ts'
import { admit, pathOf } from './admit.ts'
import { checkMediaType } from './media-type.ts'
import type { Visit } from './visit.ts'

function visit(rawHeaders: readonly string[], over: Partial<Visit> = {}): Visit {
  return {
    journey: testJourney(),
    httpMethod: 'POST',
    httpVersion: '1.1',
    target: '/mcp',
    rawHeaders,
    body: () => Promise.reject(new Error('not read')),
    gone: false,
    exchange: undefined,
    head: undefined,
    server: undefined,
    endpoint: undefined,
    occupies: undefined,
    reply: () => Promise.resolve(),
    ...over,
  }
}

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error.code
  }
  return 'passed'
}

test('the head holds what the pipeline reads, whatever the case of the names', () => {
  const head = admit(
    visit(['HOST', 'a.test', 'mcp-METHOD', 'tools/call', 'Mcp-Param-Region', 'eu']),
  )
  assert.equal(head.host, 'a.test')
  assert.equal(head.method, 'tools/call')
  assert.deepEqual(head.params, ['mcp-param-region', 'eu'])
})

const TWICE = [
  'Host',
  'Authorization',
  'Content-Type',
  'Content-Length',
  'Transfer-Encoding',
  'Origin',
  'Mcp-Name',
  'Mcp-Method',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Mcp-Param-Region',
  'X-Api-Key',
]

for (const name of TWICE) {
  test(`${name} sent twice is refused, since the next reader might take the other one`, () => {
    assert.equal(
      codeOf(() => admit(visit([name, 'a', name.toLowerCase(), 'a']))),
      'bad_header',
    )
  })
}

test('only HTTP/1.1 is served', () => {
  for (const httpVersion of ['1.0', '0.9', '2.0']) {
    assert.equal(
      codeOf(() => admit(visit([], { httpVersion }))),
      'http_version',
    )
  }
})

test('a transfer coding other than chunked alone is refused', () => {
  assert.equal(
    codeOf(() => admit(visit(['Transfer-Encoding', 'chunked']))),
    'passed',
  )
  for (const coding of ['gzip, chunked', 'identity', 'chunked, identity', 'xchunked']) {
    assert.equal(
      codeOf(() => admit(visit(['Transfer-Encoding', coding]))),
      'bad_header',
    )
  }
  const both = ['Transfer-Encoding', 'chunked', 'Content-Length', '3']
  assert.equal(
    codeOf(() => admit(visit(both))),
    'bad_header',
  )
})

test('a hundred headers are served and a hundred and one are not', () => {
  const headers = (count: number): string[] =>
    Array.from({ length: count }, (_, at) => [`x-h-${at}`, 'v']).flat()
  assert.equal(
    codeOf(() => admit(visit(headers(100)))),
    'passed',
  )
  assert.equal(
    codeOf(() => admit(visit(headers(101)))),
    'head_too_large',
  )
})

test('a path is what stands before the query, byte for byte', () => {
  assert.equal(pathOf('/mcp?access_token=x'), '/mcp')
  assert.equal(pathOf('/a/mcp'), '/a/mcp')
})

const BAD_TARGETS = [
  '/x/../mcp',
  '/x/./mcp',
  '/mcp/..',
  '/a%2fmcp',
  '/%2e%2e/mcp',
  '/mcp%00',
  '//mcp',
  '/a\\mcp',
  '/mcp;x',
  '/mcp#y',
  'http://other/mcp',
  '*',
  '',
  '/mcp\u00e9',
  `/${'a'.repeat(9_000)}`,
]

for (const target of BAD_TARGETS) {
  test(`the target ${JSON.stringify(target.slice(0, 20))} is refused, not repaired`, () => {
    assert.equal(
      codeOf(() => pathOf(target)),
      'bad_target',
    )
  })
}

test('a POST must be application/json in UTF-8 without a coding', () => {
  const check = (contentType: string | undefined, contentEncoding?: string): string => {
    const head = admit(visit([]))
    return codeOf(() => checkMediaType({ ...head, contentType, contentEncoding }))
  }
  for (const type of [
    'application/json',
    'application/json;charset=UTF-8',
    'Application/JSON; charset="utf-8"',
  ]) {
    assert.equal(check(type), 'passed')
  }
  for (const type of [
    'text/plain',
    undefined,
    '',
    'application/json-patch',
    'application/json; charset=utf-16',
  ]) {
    assert.equal(check(type), 'unsupported_media_type')
  }
  assert.equal(check('application/json', 'gzip'), 'unsupported_media_type')
})
