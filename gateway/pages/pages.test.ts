import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { hostCookie, readCookie } from './cookies.ts'
import { html, plainName } from './html.ts'
import { redirectTo, showPage } from './page.ts'
import { isFromOwnPage } from './same-origin.ts'

function header(answer: { readonly headers: readonly string[] }, name: string): string | undefined {
  const at = answer.headers.indexOf(name)
  return at === -1 ? undefined : answer.headers[at + 1]
}

test('Text put into a page is escaped, in attributes too, and HTML made the same way is not', () => {
  const inner = html`<b title="${`"><script>'`}">${['<i>', undefined, 7]}</b>`
  assert.equal(inner.text, '<b title="&quot;&gt;&lt;script&gt;&#39;">&lt;i&gt;7</b>')
  assert.equal(html`<p>${inner}</p>`.text, `<p>${inner.text}</p>`)
})

test('A name loses what could disguise it and is cut by characters', () => {
  assert.equal(plainName(' Goo\u202egle\u0000\n  Docs\u200b '), 'Google Docs')
  assert.equal(plainName('🙂'.repeat(100)), `${'🙂'.repeat(63)}…`)
  assert.equal(plainName('a'.repeat(64)).length, 64)
})

test('A page may not be framed, scripted, cached or leak its address, and only its own style counts', () => {
  const page = showPage({
    title: '<t>',
    body: html`<h1>x</h1>`,
    formTargets: ['http://127.0.0.1:1'],
  })
  const policy = header(page, 'content-security-policy') ?? ''
  const style = /<style>(.*)<\/style>/s.exec(page.body)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  assert.ok(policy.includes(`style-src 'sha256-${hash}'`))
  assert.ok(policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"))
  assert.ok(policy.includes("form-action 'self' http://127.0.0.1:1;"))
  assert.ok(!policy.includes('unsafe') && !page.body.includes('<script'))
  assert.equal(header(page, 'x-frame-options'), 'DENY')
  assert.equal(header(page, 'referrer-policy'), 'no-referrer')
  assert.equal(header(page, 'cache-control'), 'no-store')
  assert.ok(page.body.includes('<title>&lt;t&gt;</title>'))
})

test('A form target that could write into the policy is left out', () => {
  const formTargets = ['https://a.example; script-src *', "'unsafe-inline'", 'cursor:', '*']
  const policy = header(
    showPage({ title: '', body: html``, formTargets }),
    'content-security-policy',
  )
  assert.ok(policy?.includes("form-action 'self' cursor:;"))
})

test('A redirect after a form is a GET and hides where it came from', () => {
  const answer = redirectTo('https://a.example/cb', ['a=b'])
  assert.equal(answer.status, 303)
  assert.equal(header(answer, 'location'), 'https://a.example/cb')
  assert.equal(header(answer, 'set-cookie'), 'a=b')
  assert.equal(header(answer, 'referrer-policy'), 'no-referrer')
})

test('Over TLS a cookie is bound to the host; a cookie that is there twice counts as none', () => {
  const cookie = hostCookie('gatehouse', true)
  assert.equal(
    cookie.set('v', 60),
    '__Host-gatehouse=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax',
  )
  assert.equal(hostCookie('gatehouse', false).name, 'gatehouse')
  assert.equal(readCookie('a=1; __Host-gatehouse=v', cookie.name), 'v')
  assert.equal(readCookie('a=1; gatehouse=v', cookie.name), undefined)
  assert.equal(readCookie('gh=v; gh=w', 'gh'), undefined)
  assert.equal(readCookie(undefined, 'gh'), undefined)
})

test('A form counts only when it came from a page of ours', () => {
  const own = 'https://gw.example'
  assert.ok(isFromOwnPage({ origin: own, fetchSite: 'same-origin' }, own))
  assert.ok(isFromOwnPage({ origin: 'null', fetchSite: 'same-origin' }, own))
  assert.ok(isFromOwnPage({ origin: undefined, fetchSite: undefined }, own))
  assert.ok(!isFromOwnPage({ origin: 'null', fetchSite: undefined }, own))
  assert.ok(!isFromOwnPage({ origin: 'https://evil.example', fetchSite: undefined }, own))
  for (const fetchSite of ['cross-site', 'same-site', 'none']) {
    assert.ok(!isFromOwnPage({ origin: own, fetchSite }, own), fetchSite)
  }
})
