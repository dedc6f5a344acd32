import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Credential, IssueCredential } from '../model/credential.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import type { McpServer } from '../model/server.ts'
import { testCaller, testSeat, testServer, testSwaps } from '../testkit/pipeline.ts'
import { inject, missing, type Found } from '../vault/found.ts'
import type { Wanted } from '../vault/swaps.ts'
import { permitAll } from './authorize.ts'
import type { Seat } from './frame.ts'
import { askForMore, swap, swapAgain } from './swap.ts'

const PLACE = { header: 'Authorization', as: 'bearer', user: '' } as const
const ISSUE: IssueCredential = {
  kind: 'issue',
  place: PLACE,
  audience: 'files',
  scopes: [],
  lifeSeconds: 60,
  subject: 'plain',
}
const KEY: Credential = { kind: 'static', header: 'X-Key', value: new Secret('operators-own') }
const OWN = inject('of-alice', PLACE)

function seatAt(server: Partial<McpServer>, authorization = 'Bearer callers-own'): Seat {
  const seat = testSeat({ server: testServer(server), head: { authorization } })
  seat.journey.caller = testCaller()
  return seat
}

/** What goes up with a permit whose rule chose this credential. */
function swapChosen(seat: Seat, credential: string, desk = swaps(OWN)) {
  return swap({ ...permitOf(seat, 'pay'), credential }, seat, desk)
}

function permitOf(seat: Seat, ...tools: readonly string[]): Permit {
  const [first = '', ...others] = tools
  const call = { targets: [{ kind: 'tool', name: first }] }
  const permit = { server: seat.server, caller: seat.journey.caller, call }
  const elements = tools.map((name) => ({ ...permit, call: { targets: [{ kind: 'tool', name }] } }))
  return (others.length === 0 ? permit : { ...permit, elements }) as unknown as Permit
}

function swaps(found: Found) {
  const wanted: Wanted[] = []
  const find = (one: Wanted): Found => (wanted.push(one), found)
  return { wanted, swaps: { ...testSwaps(found), find } }
}

test('A server without a credential gets none, and one with a static credential gets that, at once', () => {
  const none = seatAt({})
  assert.deepEqual(swap(permitOf(none, 'echo'), none, { swaps: testSwaps() }), [])
  const fixed = seatAt({ credential: KEY })
  const injected = swap(permitOf(fixed, 'echo'), fixed, { swaps: testSwaps() })
  assert.deepEqual(injected, ['X-Key', 'operators-own'])
})

test('A warm credential of the caller is there at once, and is remembered for its answer', () => {
  const seat = seatAt({ credential: ISSUE })
  const { wanted, swaps: own } = swaps(OWN)
  const injected = swap(permitOf(seat, 'echo'), seat, { swaps: own })
  assert.deepEqual(injected, ['Authorization', 'Bearer of-alice'])
  assert.equal(seat.found, OWN)
  assert.equal(wanted[0]?.token, 'callers-own')
  assert.equal(wanted[0]?.caller, seat.journey.caller)
})

test('A token that is bound to a key of the caller’s is nothing to exchange', async () => {
  const seat = seatAt({ credential: ISSUE }, 'DPoP bound-to-a-key')
  const { wanted, swaps: own } = swaps(OWN)
  await swap(permitOf(seat, 'echo'), seat, { swaps: own })
  assert.equal(wanted[0]?.token, undefined)
})

test('A tool with a credential of its own never gets that of the server, nor another tool its', () => {
  const toolCredentials = new Map<string, Credential>([['pay', KEY]])
  const seat = seatAt({ credential: ISSUE, toolCredentials })
  const desk = swaps(OWN)
  assert.deepEqual(swap(permitOf(seat, 'pay'), seat, desk), ['X-Key', 'operators-own'])
  assert.deepEqual(desk.wanted, [])
  assert.deepEqual(swap(permitOf(seat, 'echo'), seat, desk), ['Authorization', 'Bearer of-alice'])
})

test('A task is asked about with the credential of the tool that made it', () => {
  const toolCredentials = new Map<string, Credential>([['pay', KEY]])
  const seat = seatAt({ credential: ISSUE, toolCredentials })
  const permit = permitOf(seat, 'pay')
  const ask = (tool: string): readonly string[] | Promise<readonly string[]> => {
    const targets = [{ kind: 'task' as const, name: 'handle', task: { id: '1', tool } }]
    return swap({ ...permit, call: { ...permit.call, targets } }, seat, swaps(OWN))
  }
  assert.deepEqual(ask('pay'), ['X-Key', 'operators-own'])
  assert.deepEqual(ask('echo'), ['Authorization', 'Bearer of-alice'])
})

test('An array of calls that need different credentials is refused, one of equal needs is not', () => {
  const toolCredentials = new Map<string, Credential>([['pay', KEY]])
  const seat = seatAt({ credential: ISSUE, toolCredentials })
  assert.throws(
    () => swap(permitOf(seat, 'pay', 'echo'), seat, swaps(OWN)),
    isCode('invalid_request'),
  )
  assert.deepEqual(swap(permitOf(seat, 'pay', 'pay'), seat, swaps(OWN)), ['X-Key', 'operators-own'])
})

test('A caller for whom there is no credential is refused with the reason, and nothing is sent instead', () => {
  const seat = seatAt({ credential: ISSUE })
  const refused = () => swap(permitOf(seat, 'echo'), seat, swaps(missing('connect first')))
  assert.throws(
    refused,
    (error) => isCode('credential_missing')(error) && /connect/.test(error.message),
  )
  assert.equal(seat.found, undefined)
})

test('Only a fallback that the operator named stands in for a missing credential', () => {
  const seat = seatAt({ credential: ISSUE, fallback: KEY })
  const desk = swaps(missing('none'))
  assert.deepEqual(swap(permitOf(seat, 'echo'), seat, desk), ['X-Key', 'operators-own'])
})

test('A server that wants a credential for what went up without one gets its caller told so', async () => {
  const vault: Credential = {
    kind: 'vault',
    place: PLACE,
    provider: 'acme',
    scopes: [],
    account: 'default',
    neededFor: 'calls',
  }
  const seat = seatAt({ credential: vault })
  const call = { needs: 'connection', targets: [] }
  const permit = { server: seat.server, caller: seat.journey.caller, call } as unknown as Permit
  const desk = swaps(missing('connect first'))
  assert.deepEqual(swap(permit, seat, desk), [])
  await assert.rejects(swapAgain(permit, seat, desk), isCode('credential_missing'))
})

test('A refused credential is renewed where it was made for the caller, and a static one never', async () => {
  const renewed = inject('newer', PLACE)
  const seat = seatAt({ credential: ISSUE })
  await swap(permitOf(seat, 'echo'), seat, swaps(OWN))
  const again = await swapAgain(permitOf(seat, 'echo'), seat, { swaps: testSwaps(renewed) })
  assert.deepEqual(again, ['Authorization', 'Bearer newer'])
  const fixed = seatAt({ credential: KEY })
  await swap(permitOf(fixed, 'echo'), fixed, swaps(OWN))
  assert.equal(await swapAgain(permitOf(fixed, 'echo'), fixed, swaps(OWN)), undefined)
})

const READER: Credential = { kind: 'static', header: 'X-Key', value: new Secret('readers-own') }

test('What a rule chose goes before the credential of the tool, and that before the one of the server', () => {
  const ruleCredentials = new Map<string, Credential>([['reader', READER]])
  const toolCredentials = new Map<string, Credential>([['pay', KEY]])
  const seat = seatAt({ credential: ISSUE, toolCredentials, ruleCredentials })
  assert.deepEqual(swapChosen(seat, 'reader'), ['X-Key', 'readers-own'])
  const desk = swaps(OWN)
  assert.deepEqual(swap(permitOf(seat, 'pay'), seat, desk), ['X-Key', 'operators-own'])
  assert.deepEqual(swap(permitOf(seat, 'echo'), seat, desk), ['Authorization', 'Bearer of-alice'])
})

test('A credential that the server does not have is not replaced by another one', () => {
  const ruleCredentials = new Map<string, Credential>([['reader', READER]])
  for (const seat of [seatAt({ credential: KEY }), seatAt({ credential: KEY, ruleCredentials })]) {
    assert.throws(() => swapChosen(seat, 'owner'), isCode('credential_missing'))
  }
})

test('Nobody anonymous goes up with a credential that a rule chose', () => {
  const ruleCredentials = new Map<string, Credential>([['reader', READER]])
  const seat = seatAt({ ruleCredentials })
  seat.journey.caller = { ...testCaller(), via: 'anonymous' }
  assert.throws(() => swapChosen(seat, 'reader'), isCode('credential_missing'))
})

test('No fallback stands in for a credential that a rule chose', async () => {
  const ruleCredentials = new Map<string, Credential>([['own', { ...ISSUE }]])
  const seat = seatAt({ credential: ISSUE, fallback: KEY, ruleCredentials })
  const desk = swaps(missing('none'))
  assert.throws(() => swapChosen(seat, 'own', desk), isCode('credential_missing'))
  assert.deepEqual(swap(permitOf(seat, 'echo'), seat, desk), ['X-Key', 'operators-own'])
})

test('A credential that a rule chose is renewed where the server refused it', async () => {
  const own: Credential = { ...ISSUE, audience: 'other' }
  const seat = seatAt({ credential: KEY, ruleCredentials: new Map([['own', own]]) })
  const { wanted, swaps: first } = swaps(OWN)
  await swapChosen(seat, 'own', { wanted, swaps: first })
  assert.equal(wanted[0]?.credential, own)
  const permit = { ...permitOf(seat, 'pay'), credential: 'own' }
  const again = await swapAgain(permit, seat, { swaps: testSwaps(inject('newer', PLACE)) })
  assert.deepEqual(again, ['Authorization', 'Bearer newer'])
})

test('An array of calls goes up with a credential that rules chose only where all of them chose the same', () => {
  const ruleCredentials = new Map<string, Credential>([['reader', READER]])
  const seat = seatAt({ credential: KEY, ruleCredentials })
  const read = { ...permitOf(seat, 'a'), credential: 'reader' }
  assert.deepEqual(swap(permitAll([read, read]), seat, swaps(OWN)), ['X-Key', 'readers-own'])
  const mixed = permitAll([read, permitOf(seat, 'b')])
  assert.throws(() => swap(mixed, seat, swaps(OWN)), isCode('invalid_request'))
})

function isCode(code: string): (error: unknown) => error is Refusal {
  return (error): error is Refusal => error instanceof Refusal && error.code === code
}

const MORE = 'Bearer error="insufficient_scope", scope="read write"'
const LINK = 'https://gw.example/connect/acme?ticket=1'

/** A seat whose call went up with a credential of the caller, and a desk that can ask for more. */
function refused(more: Found | undefined) {
  const { asked, ...desk } = { asked: [] as (readonly string[])[], ...swaps(OWN) }
  const seat = seatAt({ credential: ISSUE })
  const widen = (_: Wanted, scopes: readonly string[]) => (asked.push(scopes), more)
  const own = { swaps: { ...desk.swaps, widen, connectLink: () => LINK } }
  return { asked, own, seat, permit: permitOf(seat, 'echo') }
}

test('A server that says which scopes a call lacks makes its caller ask for them', async () => {
  const connect = { provider: 'acme', account: 'default', scopes: ['read', 'write'] }
  const { asked, own, seat, permit } = refused(missing('More access is needed', connect))
  await swap(permit, seat, own)
  const ask = () => askForMore(MORE, { permit, seat }, own)
  assert.throws(ask, (error) => error instanceof Refusal && error.extra.link?.url === LINK)
  assert.deepEqual(asked, [['read', 'write']])
})

test('Nobody is asked for more where all was given, nothing was sent, or scopes are not the matter', async () => {
  const given = refused(undefined)
  await swap(given.permit, given.seat, given.own)
  askForMore(MORE, given, given.own)
  assert.equal(given.asked.length, 1)
  const unsent = refused(missing('More access is needed'))
  askForMore(MORE, unsent, unsent.own)
  await swap(unsent.permit, unsent.seat, unsent.own)
  for (const other of [
    undefined,
    '',
    'Bearer error="invalid_token", scope="a"',
    'Bearer scope="a"',
  ]) {
    askForMore(other, unsent, unsent.own)
  }
  assert.deepEqual(unsent.asked, [])
})
