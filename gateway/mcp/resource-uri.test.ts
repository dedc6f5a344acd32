import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalProblem } from './resource-uri.ts'

const CANONICAL = [
  'file:///',
  'file:///pub',
  'file:///pub/a.txt',
  'file:///pub/a%20b',
  'file:///pub/..a/b..',
  'file:///pub/100%25',
  'file:///pub/what%3F%23',
  'file:///caf%C3%A9/%E5%90%8D',
  'file:///C:/a',
  'file://server/share',
  'http://example.com/',
  'http://example.com:8080/a?b=c&d=e/f?g',
  'https://example.com/a?q=%26%2B%3D%25',
  'https://127.0.0.1/a',
  'https://[::1]:8443/a',
  'https://xn--bcher-kva.example/',
  'note://internal/My-Note',
  'demo://resource/static/document/architecture.md',
  'test://static-text',
  'ui://widget/Form.html',
  'x:///a',
  'x:a',
  'x:/a/b',
  'memo:insights',
  "x://h/~-._!$&'()*+,;=:@",
  'urn:isbn:0451450523',
  `x://h/${'a'.repeat(4_096 - 6)}`,
]

for (const uri of CANONICAL) {
  test(`is canonical: ${uri.slice(0, 60)}`, () => {
    assert.equal(canonicalProblem(uri), undefined)
  })
}

/** X-01 and what else of section 6 of the threat model is not canonical, with the reason. */
const PROBLEMS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/too long/, [`x://h/${'a'.repeat(4_096 - 5)}`]],
  [
    /scheme/,
    ['', 'a', '/a', '//h/a', 'FILE:///pub/x', 'File:///x', ':a', '1x:a', ' file:///x', 'x y:a'],
  ],
  [/lacks \/\//, ['file:a', 'file:/a', 'http:a', 'https:/example.com/', 'ws:']],
  [/local one/, ['file://localhost/', 'file://localhost/pub/a']],
  [
    /its host is not/,
    [
      'http://Example.com/',
      'x://Host/a',
      'postgres://user@h/db',
      'http://u:p@h/',
      'http://h\\a/',
      'http://ex%41mple.com/',
      'http://é.example/',
      'http://h:/',
      'http://h:80a/',
      'http://h#',
      'x://h:1:2/',
      'x:// /',
    ],
  ],
  [/empty label/, ['http://example.com./', 'http://a..b/', 'http://.a/', 'x://a.:1/b']],
  [
    /to be escaped/,
    [
      'file:///pub\\a',
      'file:///pub/a ',
      'file:///pub/a b',
      'file:///pub/a\n',
      'file:///pub/a\t',
      'file:///pub/a\0',
      'file:///pub/é',
      'file:///pub/a#b',
      'file:///pub/<a>',
      'file:///pub/{a}',
      'file:///pub/a|b',
      'file:///pub/[a]',
      'x:a b',
      'x://h/a?b c',
      'x://h/a?b#c',
      'file:///pub/\u202e',
    ],
  ],
  [
    /upper-case digits/,
    ['file:///%2e%2e/a', 'file:///%c3%a9', 'file:///a%', 'file:///a%2', 'file:///a%zz', 'x:%u0041'],
  ],
  [
    /control, slash or backslash/,
    [
      'file:///pub/%2Fa',
      'file:///pub/%5C..',
      'file:///pub/%00',
      'file:///pub/%0A',
      'file:///pub/%7F',
      'file:///pub/%C2%85',
      'x://h/a?b=%2F',
      'x://h/a?b=%00',
    ],
  ],
  [
    /not needed/,
    [
      'file:///pub/%2E%2E/a',
      'file:///pub/%61',
      'file:///pub/%7E',
      'file:///pub/%3A',
      'file:///pub/%26',
      'x://h/a?b=%61',
      'x://h/a?b=%3F',
    ],
  ],
  [/escaped escape/, ['file:///pub/%252E%252E', 'file:///pub/%25e9', 'x://h/a?b=%2526']],
  [
    /empty segment/,
    [
      'file:///pub//a',
      'file:////pub',
      'file:///pub/',
      'x://h/',
      'x:///',
      'x://h//a',
      'x:a//b',
      'x:a/',
    ],
  ],
  [
    /dot segment$/,
    [
      'file:///pub/...',
      'file:///pub/..%20',
      'file:///pub/%20.',
      'file:///pub/..%C2%A0/a',
      'file:///pub/..%E2%80%8B',
      'file:///pub/a?/../../x',
      'x://h/a?..',
      'x://h/a?b/..;c',
      'file:///pub/../secret',
      'file:///pub/..',
      'file:///pub/.',
      'file:///./pub',
      'x://h/../a',
      'x:..',
      'x:a/../b',
      'file:///pub/..;a/b',
      'file:///pub/.;/b',
    ],
  ],
  [/query is empty/, ['http://example.com/?', 'x://h?', 'x:a?']],
  [/not UTF-8/, ['file:///%FF', 'file:///%C0%AE', 'file:///%ED%A0%80', 'file:///%C3/%A9']],
  [/normal form C/, ['file:///cafe%CC%81', 'file:///%E2%84%AB']],
  [
    /look of another path/,
    [
      'file:///%EF%BC%8E%EF%BC%8E/a',
      'file:///%E2%80%A6',
      'file:///%EF%BC%8Fa',
      'file:///%E2%84%80',
    ],
  ],
  [/nothing after/, ['x:', 'memo:', 'x:?a']],
  [
    /standard writes/,
    [
      'http://example.com',
      'http://example.com?a',
      'http://example.com:80/',
      'https://example.com:443/',
      'http://h:080/',
      'x://h:0080/a',
      'http://127.1/',
      'http://0x7f.1/',
      'http://2130706433/',
      'http://[::0:1]/',
      'http://999.1.1.1/',
      'http://h:99999/',
      'http:///a',
      'file://',
    ],
  ],
]

for (const [reason, uris] of PROBLEMS) {
  for (const uri of uris) {
    test(`is not canonical: ${JSON.stringify(uri).slice(0, 60)}`, () => {
      assert.match(canonicalProblem(uri) ?? 'it is canonical', reason)
    })
  }
}
