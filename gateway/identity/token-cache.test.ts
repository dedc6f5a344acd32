import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANONYMOUS } from './anonymous.ts'
import { createRefusedTokens, MAX_REFUSED_TOKENS, REFUSED_MS } from './refused-tokens.ts'
import type { TokenEntry } from './token-cache.ts'
import { createTokenCache } from './token-cache.ts'

const TAIL = 's'.repeat(43)

function entry(token: string, endsAtMs = 1_000): TokenEntry {
  return {
    token,
    caller: { ...ANONYMOUS },
    audiences: [],
    everywhere: false,
    trust: '',
    keyGeneration: 0,
    binding: undefined,
    introspected: false,
    endsAtMs,
    seenAgain: { type: 'token_verified', issuer: '', kind: 'agent', cached: true },
    checkedEpoch: -1,
  }
}

test('a token is found by its whole text and only until it ends', () => {
  const cache = createTokenCache()
  const kept = entry(`a.b.${TAIL}`)
  cache.put(kept)
  assert.equal(cache.get(`a.b.${TAIL}`, 999), kept)
  assert.equal(cache.get(`a.b.${TAIL}`, 1_000), undefined)
  assert.equal(cache.size, 0, 'an ended entry is dropped when it is met')
})

test('another token with the same signature tail is never taken for it', () => {
  const cache = createTokenCache()
  cache.put(entry(`alice.claims.${TAIL}`))
  for (const token of [
    `mallory.claims.${TAIL}`,
    `alice.claimz.${TAIL}`,
    TAIL,
    `x${TAIL}`,
    `alice.claims.${TAIL} `,
  ]) {
    assert.equal(cache.get(token, 0), undefined, token)
  }
  assert.ok(cache.get(`alice.claims.${TAIL}`, 0) !== undefined)
})

test('tokens with the same tail displace each other and neither is given out as the other', () => {
  const cache = createTokenCache()
  const [first, second] = [entry(`first.${TAIL}`), entry(`second.${TAIL}`)]
  cache.put(first)
  cache.put(second)
  assert.equal(cache.get(first.token, 0), undefined)
  assert.equal(cache.get(second.token, 0), second)
})

test('the cache holds no more tokens than its bound', () => {
  const cache = createTokenCache(1_000)
  for (let at = 0; at < 5_000; at += 1) {
    cache.put(entry(`h.p.${String(at).padStart(43, '0')}`))
    assert.ok(cache.size <= 1_000)
  }
  assert.ok(cache.size >= 500)
})

test('a token shorter than the tail is its own tail', () => {
  const cache = createTokenCache()
  cache.put(entry('short'))
  assert.ok(cache.get('short', 0) !== undefined)
  assert.equal(cache.get('hort', 0), undefined)
  assert.equal(cache.get('', 0), undefined)
})

test('a refusal is remembered for five seconds and no longer', () => {
  const refused = createRefusedTokens()
  refused.put('bad', 'bad_signature', 10_000)
  assert.equal(refused.get('bad', 10_000 + REFUSED_MS - 1), 'bad_signature')
  assert.equal(refused.get('bad', 10_000 + REFUSED_MS), undefined)
  assert.equal(refused.get('other', 10_000), undefined)
  assert.equal(REFUSED_MS, 5_000)
})

test('no more refusals are remembered than the bound', () => {
  const refused = createRefusedTokens()
  for (let at = 0; at < 10_000; at += 1) refused.put(`bad-${at}`, 'expired', 0)
  assert.ok(refused.size <= MAX_REFUSED_TOKENS)
})
