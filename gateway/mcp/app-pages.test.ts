import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readAppPages } from './app-pages.ts'

function pagesOf(...tools: readonly unknown[]): Readonly<Record<string, readonly string[]>> {
  const response = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } })
  return Object.fromEntries(readAppPages(Buffer.from(response)))
}

test('a tool names its page in _meta.ui, or as the first drafts had it', () => {
  assert.deepEqual(
    pagesOf(
      { name: 'a', _meta: { ui: { resourceUri: 'ui://s/a', visibility: ['app'] } } },
      { name: 'b', _meta: { 'ui/resourceUri': 'ui://s/b' } },
      { name: 'c', _meta: { ui: { resourceUri: 'ui://s/c' }, 'ui/resourceUri': 'ui://s/d' } },
      { name: 'd', _meta: { ui: {} } },
    ),
    { a: ['ui://s/a'], b: ['ui://s/b'], c: ['ui://s/c', 'ui://s/d'] },
  )
})

test('escapes of JSON do not hide a page', () => {
  const text = String.raw`{"result":{"tools":[{"name":"a","_meta":{"ui":{"resourceUri":"ui:\/\/s\/a"}}}]}}`
  assert.deepEqual([...readAppPages(Buffer.from(text))], [['a', ['ui://s/a']]])
})

test('nothing but a ui:// URI of a named tool is a page', () => {
  const named = (uri: unknown): unknown => ({ name: 'a', _meta: { ui: { resourceUri: uri } } })
  for (const uri of ['file:///etc/passwd', 'https://x.test/', 'UI://s/a', ' ui://s/a', '', 7, {}]) {
    assert.deepEqual(pagesOf(named(uri)), {}, JSON.stringify(uri))
  }
  assert.deepEqual(pagesOf({ _meta: { ui: { resourceUri: 'ui://s/a' } } }), {})
  assert.deepEqual(pagesOf({ name: 'a', resourceUri: 'ui://s/a' }), {})
  for (const text of ['{"result":{"tools":{"resourceUri":1}}}', '{"error":{"resourceUri":1}}']) {
    assert.equal(readAppPages(Buffer.from(text)).size, 0)
  }
})
