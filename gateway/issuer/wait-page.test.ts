import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awayStore } from '../testkit/away-store.ts'
import { tooManyCodes } from './device-codes.ts'
import { faultAnswer } from './faults.ts'
import { tooFast } from './pace.ts'
import { waitPage } from './wait-page.ts'

const PAGE = { status: 429, title: 'Too much', text: 'It was too much.', next: 'try again' }

for (const [seconds, words] of [
  [1, 'a second'],
  [2, '2 seconds'],
  [59, '59 seconds'],
  [60, 'a minute'],
  [61, '2 minutes'],
  [900, '15 minutes'],
  [3_540, '59 minutes'],
  [3_541, 'an hour'],
  [3_601, '2 hours'],
] as const) {
  test(`Whoever has to wait for ${seconds} seconds reads ${words}`, () => {
    const { headers, body } = waitPage({ ...PAGE, retryAfterSeconds: seconds })
    assert.ok(body.includes(`Wait ${words}, then try again.`))
    assert.equal(headers[headers.indexOf('retry-after') + 1], String(seconds))
  })
}

test('Every page that has somebody wait says how long, and says no other time', async () => {
  const away: unknown = await awayStore()
    .get('x')
    .catch((error: unknown) => error)
  for (const [page, words] of [
    [tooFast('/oauth/sign-in', 7), '7 seconds'],
    [tooFast('/oauth/device', 60), 'a minute'],
    [faultAnswer('/oauth/access', away), '5 seconds'],
    [tooManyCodes(), '15 minutes'],
  ] as const) {
    assert.match(page.body, new RegExp(`Wait ${words}, then`))
    assert.deepEqual(page.body.match(/\b(?:second|minute|hour)s?\b/g)?.length, 1)
  }
})
