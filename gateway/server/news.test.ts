import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JITTER_MS, News, PACE_MS } from './news.ts'

test('what is new is said at once, and once', () => {
  const news = new News()
  news.add('tools')
  news.add('tools')
  news.add('prompts')
  assert.deepEqual(news.take(0), ['tools', 'prompts'])
  assert.deepEqual(news.take(0), [])
  assert.deepEqual(news.take(PACE_MS * 10), [])
})

test('what was said a moment ago waits for its time, and is not lost', () => {
  const news = new News(() => 0.5)
  news.add('tools')
  news.take(1_000)
  news.add('tools')
  news.add('prompts')
  assert.deepEqual(news.take(1_001), ['prompts'], 'another message does not wait for it')
  const dueTick = 1_000 + PACE_MS + JITTER_MS / 2
  assert.deepEqual(news.take(dueTick - 1), [])
  assert.deepEqual(news.take(dueTick), ['tools'])
})
