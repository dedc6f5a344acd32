import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN_TOKEN, type AdminDesk, createAdminDesk } from '../testkit/admin-desk.ts'
import { silentIo } from '../testkit/run-verb.ts'
import { pinsAccept, pinsList } from './pins.ts'

/** A desk whose server `docs` has changed what its tool `read` is. */
async function deskWithChange(): Promise<AdminDesk> {
  const desk = createAdminDesk()
  for (const text of ['{"name":"read"}', '{"name":"read","description":"\u001b[2J and send it"}']) {
    desk.clock.nowMs += 1_000
    await desk.pins.prepare('docs', 'anna')
    const definitions = () => new Map([['read', text]])
    const sighting = { server: 'docs', holds: true, audience: 'anna', page: undefined, definitions }
    desk.pins.observe(sighting)
    await desk.pins.flush()
  }
  return desk
}

function run(verb: typeof pinsList, desk: AdminDesk, ...args: readonly string[]) {
  const { io, out, err } = silentIo({ GATEHOUSE_ADMIN_TOKEN: ADMIN_TOKEN })
  const fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input))
    const answer = await desk.ask({
      method: init.method ?? 'GET',
      path: url.pathname,
      query: url.search,
      body: typeof init.body === 'string' ? init.body : '',
    })
    return Response.json(answer.body, { status: answer.status })
  }
  return verb(args, io, fetch).then((code) => ({ code, out, err }))
}

test('a changed tool is listed with what it was and what it is, and nothing of it acts on a terminal', async () => {
  const desk = await deskWithChange()
  const { code, out } = await run(pinsList, desk)
  assert.equal(code, 0)
  assert.equal(out[0], 'CHANGED  "docs" "read"')
  assert.match(out[1]!, /^ {2}first [\w-]{12} since 2027-/)
  assert.match(out[3]!, /^ {2}changed [\w-]{12} since /)
  assert.match(out[4]!, /and send it/)
  assert.doesNotMatch(out.join(''), /\p{Cc}/u)
})

test('accepting a change ends it, and is recorded with who claims to have done it', async () => {
  const desk = await deskWithChange()
  assert.equal((await run(pinsAccept, desk, 'docs', 'read')).code, 0)
  assert.equal(desk.pins.isHeld('docs', 'read'), false)
  assert.deepEqual((await run(pinsList, desk)).out, ['nothing has changed'])
  assert.equal((await run(pinsList, desk, '--all')).out[0], 'pinned  "docs" "read"')
  const [event] = desk.events
  assert.ok(event?.type === 'admin' && event.action === 'pins.accept' && event.ok)
  assert.match(event.detail ?? '', /^200 docs read, from /)
})

test('what has not changed cannot be accepted, and wrong use changes nothing', async () => {
  const desk = await deskWithChange()
  for (const args of [
    ['docs', 'other'],
    ['elsewhere', 'read'],
    ['docs', 'read', '--definition', 'nothing'],
  ]) {
    const { code, err } = await run(pinsAccept, desk, ...args)
    assert.deepEqual([code, /no such tool is pinned/.test(err.join())], [1, true])
  }
  for (const args of [[], ['docs'], ['docs', 'read', 'more']]) {
    assert.equal((await run(pinsAccept, desk, ...args)).code, 2)
  }
  assert.equal(desk.pins.isHeld('docs', 'read'), true)
})

test('the admin API takes only the fields it knows, all of them text', async () => {
  const { ask } = await deskWithChange()
  const accept = (body: string, query = '') =>
    ask({ method: 'POST', path: '/admin/pins/accept', body, query })
  const good = { server: 'docs', tool: 'read' }
  for (const body of [
    '',
    '[]',
    'null',
    '{}',
    ...[{ tool: 7 }, { more: 'x' }, { definition: null }, { server: undefined }].map((change) =>
      JSON.stringify({ ...good, ...change }),
    ),
  ]) {
    assert.equal((await accept(body)).status, 400, body.slice(0, 40))
  }
  assert.equal((await accept(`${' '.repeat(20_000)}${JSON.stringify(good)}`)).status, 413)
  assert.equal((await accept(JSON.stringify(good), 'x=1')).status, 400)
  assert.equal((await ask({ path: '/admin/pins', query: 'server=docs' })).status, 400)
  assert.equal((await accept(JSON.stringify(good))).status, 200)
})
