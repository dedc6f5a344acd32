import assert from 'node:assert/strict'
import { test } from 'node:test'

import { asSpecified, requestBody, textAt, type Quirks } from './quirks.ts'

const PLAIN: Quirks = { bodyFormat: 'form', tokenPath: [], okField: undefined, scopeSeparator: ' ' }
const SLACK: Quirks = { ...PLAIN, tokenPath: ['authed_user'], okField: 'ok', scopeSeparator: ',' }

async function read(body: unknown, quirks: Quirks, status = 200) {
  const answer = await asSpecified(new Response(JSON.stringify(body), { status }), quirks)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

test('Slack: the tokens of the user stand at the top, with scopes apart by blanks', async () => {
  const { status, body } = await read(
    {
      ok: true,
      access_token: 'xoxb-of-the-bot',
      token_type: 'bot',
      authed_user: {
        id: 'U1',
        access_token: 'xoxp-of-the-user',
        token_type: 'user',
        scope: 'chat:write,files:read',
        refresh_token: 'xoxe',
        expires_in: 43_200,
      },
    },
    SLACK,
  )
  const { access_token, refresh_token, token_type, scope, expires_in } = body
  assert.equal(status, 200)
  assert.deepEqual(
    [access_token, refresh_token, token_type, scope, expires_in],
    ['xoxp-of-the-user', 'xoxe', 'bearer', 'chat:write files:read', 43_200],
  )
  assert.equal(textAt(body, ['authed_user', 'id']), 'U1')
})

test('An error that comes with status 200 is an error: Slack’s ok, GitHub’s error', async () => {
  for (const [body, quirks] of [
    [{ ok: false, error: 'invalid_refresh_token' }, SLACK],
    [{ error: 'bad_refresh_token', error_description: 'canary' }, PLAIN],
  ] as const) {
    const answer = await read(body, quirks)
    assert.deepEqual(answer, { status: 400, body: { error: body.error } })
  }
})

test('An error of HTTP 403 keeps its status and its code, and nothing else (Atlassian)', async () => {
  const answer = await read({ error: 'invalid_grant', error_description: 'canary' }, PLAIN, 403)
  assert.deepEqual(answer, { status: 403, body: { error: 'invalid_grant' } })
})

test('A life written as text is a number, and one that is none is not there', async () => {
  for (const [written, seconds] of [
    ['3600', 3_600],
    [3_600, 3_600],
    [0, undefined],
    ['soon', undefined],
    [null, undefined],
  ] as const) {
    const { body } = await read({ access_token: 'a', expires_in: written }, PLAIN)
    assert.equal(body['expires_in'], seconds)
  }
})

test('A token that is bound to a key is not taken for a bearer token', async () => {
  const { body } = await read({ access_token: 'a', token_type: 'DPoP' }, PLAIN)
  assert.equal(body['token_type'], 'dpop')
})

test('An ID token that nobody checked is not passed on', async () => {
  const { body } = await read({ access_token: 'a', id_token: 'x.y.z' }, PLAIN)
  assert.ok(!('id_token' in body))
})

test('What is no JSON object is left to whoever reads it', async () => {
  for (const text of ['<html>', '[]', '"text"', '']) {
    const answer = await asSpecified(new Response(text, { status: 502 }), PLAIN)
    assert.deepEqual([answer.status, await answer.text()], [502, text])
  }
})

test('Notion: the request is JSON with the same fields', () => {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'r' })
  assert.equal(requestBody(form, PLAIN), undefined)
  const sent = requestBody(form, { ...PLAIN, bodyFormat: 'json' })
  assert.equal(sent?.type, 'application/json')
  assert.deepEqual(JSON.parse(sent.text), { grant_type: 'refresh_token', refresh_token: 'r' })
})
