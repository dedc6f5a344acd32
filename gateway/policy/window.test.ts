import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClocks } from './local-clock.ts'
import { readWindow } from './read-window.ts'
import { createEdges, isOpen, nextEdge, type Window } from './window.ts'

function faultsOf(during: object): readonly string[] {
  const faults: string[] = []
  readWindow({ value: during, path: [] }, createClocks(), (path, message) => {
    faults.push(`${path.join('.')}: ${message}`)
  })
  return faults
}

function windowOf(during: object): Window {
  const window = readWindow({ value: during, path: [] }, createClocks(), (_path, message) => {
    throw new Error(message)
  })
  assert.ok(window !== undefined)
  return window
}

/** Which of these moments find it open. */
function opens(during: object, ...moments: readonly string[]): readonly boolean[] {
  const window = windowOf(during)
  return moments.map((moment) => isOpen(window, Date.parse(moment)))
}

const OFFICE = { tz: 'Europe/Berlin', days: ['mon-fri'], hours: '08:00-18:00' }

test('X-16: hours are exact, the first moment is in and the last is out', () => {
  assert.deepEqual(
    opens(
      OFFICE,
      '2026-11-23T06:59:59.999Z',
      '2026-11-23T07:00:00.000Z',
      '2026-11-23T16:59:59.999Z',
      '2026-11-23T17:00:00.000Z',
    ),
    [false, true, true, false],
  )
})

test('X-16: hours are those of the clocks on the wall, whether it is summer time or not', () => {
  assert.deepEqual(opens(OFFICE, '2026-07-01T06:00Z', '2026-12-01T06:00Z'), [true, false])
  // 25 October 2026: 02:30 comes twice; 29 March: it does not come.
  const night = { tz: 'Europe/Berlin', hours: '02:30-03:00' }
  const twice = opens(night, '2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-25T02:00Z')
  assert.deepEqual(twice, [true, true, false])
  assert.deepEqual(opens(night, '2026-03-29T00:59Z', '2026-03-29T01:00Z'), [false, false])
})

test('a weekend is closed, and days may pass the end of the week', () => {
  assert.deepEqual(opens(OFFICE, '2026-11-22T12:00Z', '2026-11-21T12:00Z'), [false, false])
  const weekend = { days: ['fri-mon'] }
  assert.deepEqual(opens(weekend, '2026-11-22T12:00Z', '2026-11-24T12:00Z'), [true, false])
})

test('hours that pass midnight belong to the day on which they began', () => {
  const shift = { days: ['fri'], hours: '22:00-06:00' }
  assert.deepEqual(
    opens(
      shift,
      '2026-11-20T23:00Z',
      '2026-11-21T05:59Z',
      '2026-11-21T06:00Z',
      '2026-11-20T05:00Z',
    ),
    [true, true, false, false],
  )
})

test('from and until are exact, and a date alone is all of that day', () => {
  const sale = { tz: 'America/New_York', from: '2026-11-27', until: '2026-11-30' }
  assert.deepEqual(
    opens(
      sale,
      '2026-11-27T04:59:59.999Z',
      '2026-11-27T05:00:00.000Z',
      '2026-12-01T04:59:59.999Z',
      '2026-12-01T05:00:00.000Z',
    ),
    [false, true, true, false],
  )
  const exact = { from: '2026-11-27T10:00+02:00', until: '2026-11-27T08:30Z' }
  assert.deepEqual(opens(exact, '2026-11-27T08:00Z', '2026-11-27T08:30Z'), [true, false])
})

test('the next edge is the next moment at which anything changes', () => {
  const edge = (during: object, now: string): string | number => {
    const ms = nextEdge(windowOf(during), Date.parse(now))
    return Number.isFinite(ms) ? new Date(ms).toISOString() : ms
  }
  assert.equal(edge(OFFICE, '2026-11-20T18:00Z'), '2026-11-23T07:00:00.000Z')
  assert.equal(edge(OFFICE, '2026-11-23T07:00Z'), '2026-11-23T17:00:00.000Z')
  assert.equal(edge({ days: ['sun'] }, '2026-11-23T07:00Z'), '2026-11-29T00:00:00.000Z')
  assert.equal(edge({ from: '2027-01-01' }, '2026-11-23T07:00Z'), '2027-01-01T00:00:00.000Z')
  assert.equal(edge({ until: '2020-01-01' }, '2026-11-23T07:00Z'), Number.POSITIVE_INFINITY)
})

test('of several windows the nearest edge is the next one, and the one after it once it has passed', () => {
  const edge = createEdges([windowOf(OFFICE), windowOf({ from: '2026-11-23T12:00Z' })])
  const at = (now: string): string => new Date(edge(Date.parse(now))).toISOString()
  assert.equal(at('2026-11-23T08:00Z'), '2026-11-23T12:00:00.000Z')
  assert.equal(at('2026-11-23T11:59:59.999Z'), '2026-11-23T12:00:00.000Z')
  assert.equal(at('2026-11-23T12:00Z'), '2026-11-23T17:00:00.000Z')
  assert.equal(at('2026-11-20T12:00Z'), '2026-11-20T17:00:00.000Z')
  assert.equal(createEdges([])(0), Number.POSITIVE_INFINITY)
})

const WRONG: readonly (readonly [what: string, during: object, says: RegExp])[] = [
  ['an unknown zone', { tz: 'Europe/Berln', days: ['mon'] }, /^tz: .*no time zone/],
  ['no time at all', { tz: 'UTC' }, /is always/],
  ['a day in full', { days: ['monday'] }, /^days\.0: .*mon-fri/],
  ['a list in a text', { days: ['mon,tue'] }, /^days\.0: /],
  ['hours without minutes', { hours: '8-18' }, /^hours: .*08:00-18:00/],
  ['an hour that is not there', { hours: '08:00-25:00' }, /^hours: /],
  ['no hours', { hours: '08:00-08:00' }, /^hours: /],
  ['a day that is not there', { from: '2026-02-30' }, /^from: .*no date/],
  [
    'an end before its beginning',
    { from: '2026-02-02', until: '2026-02-01' },
    /^until: lies before/,
  ],
  ['an unknown key', { days: ['mon'], timezone: 'UTC' }, /^timezone: unknown key/],
]

for (const [what, during, says] of WRONG) {
  test(`a window with ${what} is refused`, () => {
    const faults = faultsOf(during)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0] ?? '', says)
  })
}
