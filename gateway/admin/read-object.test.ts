import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAdminDesk } from '../testkit/admin-desk.ts'

const ISSUER = 'https://idp.example'
const TERMS = { ttlMs: 7_200_000, task: undefined, maxUses: 500 }

/** Every address that takes a body, and what is answered to this one. */
const TAKERS = [
  ['revocations', { kind: 'token', issuer: ISSUER, value: 'jti-1' }, 201],
  ['grants', { rule: 'migrate', issuer: ISSUER, subject: 'ann' }, 201],
  ['pins/accept', { server: 'docs', tool: 'read' }, 404],
  ['connections/revoke', { issuer: ISSUER, subject: 'ann', provider: 'acme' }, 404],
] as const

for (const [name, body, status] of TAKERS) {
  test(`a body of ${name} that says something twice, however it is spelled, is refused`, async () => {
    const desk = createAdminDesk({ grantRules: () => new Map([['migrate', TERMS]]) })
    const post = async (text: string) =>
      await desk.ask({ method: 'POST', path: `/admin/${name}`, body: text })
    const text = JSON.stringify(body)
    const [first = ''] = Object.keys(body)
    for (const member of [`"${first}"`, `"\\u${hex(first)}${first.slice(1)}"`, '"__proto__"']) {
      const twice = text.replace('{', `{${member}:"other",`)
      assert.equal((await post(twice)).status, 400, twice)
    }
    assert.equal((await post(text)).status, status)
    assert.equal((await post(' '.repeat(16_384) + text)).status, 413)
  })
}

/** The first character, for an escape. */
function hex(text: string): string {
  return text.charCodeAt(0).toString(16).padStart(4, '0')
}
