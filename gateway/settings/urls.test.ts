import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isExposed, parseHttpUrl } from './urls.ts'

test('a URL is exposed when it is plain HTTP to another machine', () => {
  assert.equal(isExposed(new URL('http://10.0.0.1/')), true)
  assert.equal(isExposed(new URL('http://127.0.0.1:80/')), false)
  assert.equal(isExposed(new URL('http://[::1]:80/')), false)
  assert.equal(isExposed(new URL('https://10.0.0.1/')), false)
  assert.equal(isExposed(new URL('ws://10.0.0.1/')), true)
  assert.equal(isExposed(new URL('ws://localhost/')), false)
  assert.equal(isExposed(new URL('wss://10.0.0.1/')), false)
})

test('only absolute http and https URLs that read as they are meant are URLs here', () => {
  const wrong: Record<string, RegExp> = {
    docs: /must be a URL/,
    '/mcp': /must be a URL/,
    ' https://a.example': /must be a URL/,
    'https://a.exa mple/': /must be a URL/,
    'https:\\\\a.example': /must be a URL/,
    'ftp://a.example/': /must begin with https/,
    'wss://a.example/': /must begin with https:\/\/ or http:\/\/$/,
    'file:///etc/passwd': /must begin with https/,
    'javascript:alert(1)': /must begin with https/,
    'https://user@a.example/': /user name/,
    'https://:pw@a.example/': /user name/,
    'https://a.example/#x': /fragment/,
    'https://a.example/#': /fragment/,
  }
  for (const [text, why] of Object.entries(wrong)) {
    const result = parseHttpUrl(text)
    assert.match(result.ok ? 'accepted' : result.why, why, text)
  }
  const right = parseHttpUrl('https://a.example/mcp?x=1')
  assert.equal(right.ok && right.url.href, 'https://a.example/mcp?x=1')
})
