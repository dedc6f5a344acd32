import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Era } from '../model/call.ts'
import type { Sink } from '../upstream/answer.ts'
import { WatchedAnswer } from './watched-answer.ts'

/** An answer in pieces, what its client has of it, and how it ended. */
function watched(era: Era, show = async (bytes: Uint8Array): Promise<Uint8Array> => bytes) {
  let sink: Sink | undefined
  const source = {
    pipe: (to: Sink) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const seen = { text: '', ending: 'open' }
  const answer = new WatchedAnswer(source, { id: '1', era, show })
  answer.pipe({
    write: (chunk) => (seen.text += Buffer.from(chunk).toString()) !== '',
    end: () => (seen.ending = 'end'),
    fail: () => (seen.ending = 'cut'),
  })
  const write = (text: string): void => void sink?.write(Buffer.from(text))
  return { answer, seen, write, end: () => sink?.end() }
}

const HEAD = '{"jsonrpc":"2.0","id":1,"result":{'
const ASKS = '"resultType":"input_required"'
const FILLER = `"content":"${'x'.repeat(65_536)}"`

test('an answer is held until it says what it is, in the legacy era by having a result', () => {
  const modern = watched('modern')
  modern.write(HEAD)
  assert.equal(modern.seen.text, '')
  modern.write('"resultType":"complete",')
  assert.equal(modern.seen.text, `${HEAD}"resultType":"complete",`)
  const legacy = watched('legacy')
  legacy.write(HEAD)
  assert.equal(legacy.seen.text, HEAD)
})

test('one that says nothing flows after 64 KiB, or when it has ended', () => {
  const long = watched('modern')
  long.write(HEAD + FILLER)
  assert.equal(long.seen.text, HEAD + FILLER)
  long.write('}}')
  long.end()
  assert.deepEqual([long.seen.text, long.seen.ending], [`${HEAD}${FILLER}}}`, 'end'])
  const short = watched('modern')
  short.write(`${HEAD}}}`)
  assert.equal(short.seen.text, '')
  short.end()
  assert.deepEqual([short.seen.text, short.seen.ending], [`${HEAD}}}`, 'end'])
})

test('a result that asks for more is shown when it is whole, as it is to be shown', async () => {
  let given = ''
  const { seen, write, end } = watched('modern', async (bytes) => {
    given = Buffer.from(bytes).toString()
    return Buffer.from('shown')
  })
  write(`${HEAD}${ASKS},`)
  write(FILLER)
  write('}}')
  assert.equal(seen.text, '')
  end()
  await turn()
  assert.equal(given, `${HEAD}${ASKS},${FILLER}}}`)
  assert.deepEqual(seen, { text: 'shown', ending: 'end' })
})

test('one that cannot be shown, asks too late or for more than 1 MiB is cut before its end', async () => {
  const refused = watched('modern', () => Promise.reject(new Error('no')))
  refused.write(`${HEAD}${ASKS}}}`)
  refused.end()
  await turn()
  assert.deepEqual(refused.seen, { text: '', ending: 'cut' })
  const late = watched('modern')
  late.write(`${HEAD}${FILLER},`)
  late.write(`${ASKS}}}`)
  assert.deepEqual(late.seen, { text: `${HEAD}${FILLER},`, ending: 'cut' })
  const large = watched('modern')
  large.write(`${HEAD}${ASKS}`)
  for (let at = 0; at < 16; at++) large.write(`,"a${at}":"${'x'.repeat(65_536)}"`)
  assert.deepEqual(large.seen, { text: '', ending: 'cut' })
})

test('an error is shown when it is whole, in both eras, and one that comes too late is cut', async () => {
  for (const era of ['legacy', 'modern'] as const) {
    const { seen, write, end } = watched(era, async () => Buffer.from('shown'))
    write('{"jsonrpc":"2.0","id":1,"error":{')
    write(FILLER)
    write('}}')
    assert.equal(seen.text, '')
    end()
    await turn()
    assert.deepEqual(seen, { text: 'shown', ending: 'end' })
    const late = watched(era)
    late.write(`{"jsonrpc":"2.0",${FILLER}`)
    late.write(',"id":1,"error":{}}')
    assert.deepEqual(late.seen, { text: `{"jsonrpc":"2.0",${FILLER}`, ending: 'cut' })
  }
})

test('what is judged when its client leaves has nowhere to go', async () => {
  const shown = Promise.withResolvers<Uint8Array>()
  const { answer, seen, write, end } = watched('modern', () => shown.promise)
  write(`${HEAD}${ASKS}}}`)
  end()
  answer.abort(new Error('gone'))
  shown.resolve(Buffer.from('shown'))
  await turn()
  assert.deepEqual(seen, { text: '', ending: 'cut' })
})
