import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isWebAddress } from './web-address.ts'

test('a page of the web is told from everything else that can be opened', () => {
  for (const text of [
    'https://example.com',
    'http://127.0.0.1:8080/connect?h=1#x',
    'HTTPS://example.com/é',
    'https://user@example.com/%20',
  ]) {
    assert.ok(isWebAddress(text), text)
  }
  for (const text of [
    '',
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>1</script>',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:https://example.com/1',
    'view-source:https://example.com',
    'mailto:a@example.com',
    'app://open',
    '//example.com',
    '/path',
    'example.com',
    'https:example.com',
    'https:/example.com',
    'https://',
    ' https://example.com',
    'https://example.com/a b',
    'https://example.com/\n',
    'https://example.com\\@evil.test',
    'https://exa\u0000mple.com',
    'https://[',
  ]) {
    assert.ok(!isWebAddress(text), text)
  }
})
