import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { KoaContextWithOIDC } from 'oidc-provider'

import type { CallerKind } from '../model/caller.ts'
import { livesOf } from '../testkit/lives.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { createRefreshLives } from './refresh-lives.ts'
import type { Setup } from './setup.ts'
import { SELF_REGISTERED } from './setup.ts'

const DAY = 86_400

const client = (kind: CallerKind) => ({
  ...SELF_REGISTERED,
  kind,
  name: undefined,
  auth: { kind: 'public' as const },
  redirectUris: [],
  mayExchange: undefined,
})

function refreshing() {
  const { clock, store, now } = memoryStore()
  const setup = {
    lives: livesOf({
      human: { refreshTokenSeconds: 2 * DAY, sessionSeconds: 7 * DAY },
      agent: { refreshTokenSeconds: DAY, sessionSeconds: 3 * DAY },
    }),
    clients: new Map([
      ['app', client('human')],
      ['bot', client('agent')],
    ]),
    registration: { tokens: new Map() },
    documents: { mode: 'off' },
  } as unknown as Setup
  const lives = createRefreshLives({
    setup: () => setup,
    book: { get: async () => undefined },
    store,
    now,
  })
  /** How long the next token lives of a client whose first one is that old. */
  const headers = new Map<string, string>()
  let tokens = 0
  const next = async (
    clientId: string,
    ageSeconds?: number,
    { grantId = 'g', jti = `token-${(tokens += 1)}` } = {},
  ): Promise<number> => {
    const iiat = ageSeconds === undefined ? undefined : clock.nowMs / 1_000 - ageSeconds
    const entities = iiat === undefined ? {} : { RefreshToken: { iiat, grantId, jti } }
    const set = (name: string, value: string): void => void headers.set(name, value)
    const context = {
      set,
      oidc: { client: { clientId }, entities },
    } as unknown as KoaContextWithOIDC
    await lives.prepare(context)
    return lives.secondsOf(context, iiat)
  }
  return { clock, headers, lives, next }
}

test('A refresh token lives as its client kind does, and never beyond the session it began with', async () => {
  const { next } = refreshing()
  assert.equal(await next('app'), 2 * DAY)
  assert.equal(await next('bot'), DAY)
  assert.equal(await next('bot', DAY), DAY)
  assert.equal(await next('bot', 2.5 * DAY), 0.5 * DAY)
  assert.equal(await next('app', 6 * DAY), DAY)
})

test('When the session is over nothing more is refreshed, whatever the refresh token says', async () => {
  const { next } = refreshing()
  await assert.rejects(next('bot', 3 * DAY), { error: 'invalid_grant' })
  await assert.rejects(next('bot', 30 * DAY), { error: 'invalid_grant' })
  assert.equal(await next('app', 3 * DAY), 2 * DAY)
})

test('One grant is refreshed only so often in an hour, and keeps no other from it', async () => {
  const { clock, headers, next } = refreshing()
  for (let at = 0; at < 120; at += 1) await next('bot', 1)
  await assert.rejects(next('bot', 1), { error: 'temporarily_unavailable', statusCode: 429 })
  assert.equal(headers.get('retry-after'), '60')
  await next('bot', 1, { grantId: 'another' })
  clock.nowMs += 3_600_000
  await next('bot', 1)
})

test('Requests with one token at the same time are one refresh, and open nothing that is closed', async () => {
  const { next } = refreshing()
  const same = { jti: 'same' }
  await Promise.all(Array.from({ length: 200 }, () => next('bot', 1, same)))
  for (let at = 1; at < 120; at += 1) await next('bot', 1)
  await assert.rejects(next('bot', 1), { error: 'temporarily_unavailable' })
  await assert.rejects(next('bot', 1, same), { error: 'temporarily_unavailable' })
})

test('A client that is not known any more is given no refresh token, and none is made unasked', async () => {
  const { lives, next } = refreshing()
  await assert.rejects(next('gone'), { error: 'invalid_grant' })
  const unasked = { oidc: { client: { clientId: 'bot' } } } as unknown as KoaContextWithOIDC
  assert.throws(() => lives.secondsOf(unasked, undefined), /not looked up/)
})
