import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, Notice } from '../egress/post-notice.ts'
import type { GatehouseEvent } from '../model/event.ts'
import type { Notification } from '../model/notification.ts'
import { Secret } from '../model/secret.ts'
import { createNotifier, MAX_RUNNING, MAX_WAITING, RETRY_AFTER_MS } from './notifier.ts'

const TO: Notification = {
  name: 'security',
  url: new Secret('https://hooks.test/a'),
  headers: new Map([['authorization', new Secret('Bearer s')]]),
  timeoutMs: 100,
}
const OK: Delivery = { ok: true }
const BUSY: Delivery = { ok: false, why: 'busy', mayRetry: true }
const WRONG: Delivery = { ok: false, why: 'wrong', mayRetry: false }

/** A notifier whose webhook answers with these in turn, then well; waiting takes no time. */
function notifier(answers: readonly Delivery[], hold?: Promise<void>) {
  const posted: Notice[] = []
  const waited: number[] = []
  const events: GatehouseEvent[] = []
  const made = createNotifier({
    post: async (notice) => {
      posted.push(notice)
      const answer = answers[posted.length - 1] ?? OK
      await hold
      return answer
    },
    emit: (event) => void events.push(event),
    wait: async (ms) => void waited.push(ms),
  })
  const told = (): readonly string[] =>
    events.map((event) => (event.type === 'notified' ? event.result : event.type))
  return { ...made, posted, waited, events, told }
}

/** Lets everything run that waits for nothing but its turn. */
async function idle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('a notice is sent with its headers, once, and not before send returns', async () => {
  const { send, posted, told } = notifier([])
  send(TO, '{"a":1}')
  assert.deepEqual(posted, [])
  await idle()
  const headers = { authorization: 'Bearer s' }
  assert.deepEqual(posted, [
    { url: 'https://hooks.test/a', body: '{"a":1}', headers, timeoutMs: 100 },
  ])
  assert.deepEqual(told(), ['delivered'])
})

test('what may be tried again is tried three times in all, then dropped with one warning', async () => {
  const { send, posted, waited, events, told } = notifier([BUSY, BUSY, BUSY, WRONG])
  send(TO, '1')
  await idle()
  assert.equal(posted.length, 3)
  assert.deepEqual(waited, [0, ...RETRY_AFTER_MS])
  send(TO, '2')
  await idle()
  assert.equal(posted.length, 4)
  assert.deepEqual(told(), ['dropped', 'warning', 'dropped'])
  const [, warning] = events
  assert.deepEqual(warning, {
    type: 'warning',
    what: 'notifications_dropped',
    detail: 'security: busy',
  })
  assert.ok(!JSON.stringify(events).includes('hooks.test'))
})

test('after a delivery the next drop is worth a warning again', async () => {
  const { send, told } = notifier([WRONG, OK, WRONG])
  for (const body of ['1', '2', '3']) {
    send(TO, body)
    await idle()
  }
  assert.deepEqual(told(), ['dropped', 'warning', 'delivered', 'dropped', 'warning'])
})

test('a webhook that does not answer holds a bounded number of notices, and another one is served', async () => {
  let answer = (): void => undefined
  const hold = new Promise<void>((resolve) => (answer = resolve))
  const { send, posted, told, close } = notifier([], hold)
  for (let sent = 0; sent < MAX_RUNNING + MAX_WAITING + 3; sent += 1) {
    send(TO, String(sent))
    if (sent < MAX_RUNNING) await idle()
  }
  assert.equal(posted.length, MAX_RUNNING)
  assert.deepEqual(told(), ['dropped', 'warning', 'dropped', 'dropped'])
  send({ ...TO, name: 'other' }, 'x')
  await idle()
  assert.equal(posted.length, MAX_RUNNING + 1)
  answer()
  await close()
  assert.equal(told().filter((what) => what === 'delivered').length, MAX_RUNNING + MAX_WAITING + 1)
})

test('at the end what waits is sent without further attempts, and nothing more is taken', async () => {
  const { send, posted, close, told } = notifier([BUSY, BUSY])
  send(TO, '1')
  const closed = close()
  send(TO, '2')
  await closed
  assert.equal(posted.length, 1)
  assert.deepEqual(told(), ['dropped', 'warning', 'dropped'])
})
