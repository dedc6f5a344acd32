import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import type { ApprovalTerms } from '../model/terms.ts'
import { createMemoryStore } from '../state/memory.ts'
import type { Ask, CallKey } from './approval.ts'
import { digestOf } from './approval.ts'
import type { Approvals, Sealing, Verdict } from './approvals.ts'
import { createApprovals, MAX_ASKS, TooManyAsks } from './approvals.ts'

const CALL: CallKey = {
  tenant: 'default',
  issuer: 'https://idp.example',
  subject: 'ann',
  client: 'agent',
  server: 'docs',
  method: 'tools/call',
  targets: ['tool', 'delete'],
  arguments: 'abc',
}

type Wanted = Omit<Ask, 'id' | 'createdAtSeconds' | 'sealed'>

const TERMS: ApprovalTerms = { by: { kind: 'group', group: 'leads' }, forMs: 600_000 }

const need = (rule: string, terms = TERMS) => ({ rule, terms })

function wanted(
  call: Partial<CallKey> = {},
  rules: readonly string[] = ['r'],
  terms = TERMS,
): Wanted {
  const needs = rules.map((rule) => ({ rule, terms, state: 'waiting', by: undefined }) as const)
  return { call: { ...CALL, ...call }, kind: 'agent', personal: true, needs }
}

/** One store and a clock; `process` makes the approvals of one more process on that store. */
function createWorld() {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const store = createMemoryStore({ now })
  const events: GatehouseEvent[] = []
  async function process(): Promise<Approvals> {
    const approvals = createApprovals({ store, now, emit: (event) => events.push(event) })
    await approvals.load()
    return approvals
  }
  return { clock, store, events, process }
}

/** What a process with this key does. */
const sealedBy = (key: string): Sealing => ({
  seal: (id) => `${key} for ${id}`,
  opens: ({ id, sealed }) => sealed === `${key} for ${id}`,
})
const seal = sealedBy('sealed')
const yes: Verdict = { rules: ['r'], by: 'lena', decision: { kind: 'once' } }
const digest = digestOf(CALL)

test('a request whose arguments nobody can read any more is made anew, unless it was denied', async () => {
  const approvals = await createWorld().process()
  const first = await approvals.ask(wanted(), seal)
  assert.equal((await approvals.ask(wanted(), seal)).id, first.id)
  const second = await approvals.ask(wanted(), sealedBy('another key'))
  assert.notEqual(second.id, first.id)
  assert.equal(second.sealed, `another key for ${second.id}`)
  await approvals.decide(second.id, { ...yes, decision: { kind: 'deny' } })
  const denied = await approvals.ask(wanted(), seal)
  assert.deepEqual([denied.id, denied.needs[0]?.state], [second.id, 'denied'])
})

test('the same call is the same request for every process, as long as nobody has decided', async () => {
  const { process, events } = createWorld()
  const [one, two] = [await process(), await process()]
  const asks = await Promise.all(
    Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : two).ask(wanted(), seal)),
  )
  const [first] = asks
  assert.equal(new Set(asks.map(({ id }) => id)).size, 1)
  assert.equal(first?.sealed, `sealed for ${first?.id}`)
  assert.equal((await two.read(first?.id ?? ''))?.sealed, first?.sealed)
  assert.equal(events.filter(({ type }) => type === 'approval_asked').length, 1)
  for (const call of [{ arguments: 'abd' }, { subject: 'bob' }, { client: '' }, { tenant: 'x' }]) {
    assert.notEqual((await one.ask(wanted(call), seal)).id, first?.id)
  }
})

test('an approval for one call is taken by exactly one of many, in any process', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.ask(wanted(), seal)
  assert.equal(one.any, false)
  await two.decide(id, yes)
  await one.refresh()
  const found = [one, two].map((each) => each.find(need('r'), digest)!)
  const taken = await Promise.all(
    Array.from({ length: 20 }, (_, i) => [one, two][i % 2]!.spend([found[i % 2]!])),
  )
  assert.equal(taken.filter(Boolean).length, 1)
  for (const each of [one, two]) {
    await each.refresh()
    assert.equal(each.find(need('r'), digest), undefined)
  }
  assert.notEqual((await one.ask(wanted(), seal)).id, id)
})

test('an approval is found for its rule and call alone, and ends by its time', async () => {
  const { process, clock } = createWorld()
  const approvals = await process()
  const { id } = await approvals.ask(wanted(), seal)
  await approvals.decide(id, { ...yes, decision: { kind: 'for', ms: 300_000 } })
  const approval = approvals.find(need('r'), digest)
  assert.equal(approval?.once, false)
  assert.equal(await approvals.spend([approval]), true)
  assert.ok(approvals.find(need('r'), digest))
  assert.equal(approvals.find(need('other'), digest), undefined)
  assert.equal(approvals.find(need('r'), digestOf({ ...CALL, arguments: 'abd' })), undefined)
  clock.nowMs += 300_000
  assert.equal(approvals.find(need('r'), digest), undefined)
  assert.equal(approvals.any, false)
})

test('an approval that is given back is there again, once and no longer than it was', async () => {
  const { process, clock } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.ask(wanted({}, ['r', 's']), seal)
  await one.decide(id, { ...yes, rules: ['r', 's'] })
  const both = [one.find(need('r'), digest)!, one.find(need('s'), digest)!]
  assert.equal(await one.spend(both), true)
  await one.giveBack(both)
  await two.refresh()
  assert.equal(await two.spend([both[1]!]), true)
  assert.equal(await one.spend(both), false, 'one of them is gone')
  assert.ok(one.find(need('r'), digest), 'the other was not used')
  clock.nowMs += 10 * 60_000
  await one.giveBack(both)
  assert.equal(one.any, false)
})

test('who decides first has decided', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.ask(wanted(), seal)
  const no: Verdict = { rules: ['r'], by: 'bert', decision: { kind: 'deny' } }
  const verdicts = await Promise.all([one.decide(id, no), two.decide(id, yes)])
  assert.equal(verdicts.filter((ask) => ask !== undefined).length, 1)
  const denied = (await one.read(id))?.needs[0]?.state === 'denied'
  await one.refresh()
  assert.equal(one.find(need('r'), digest) === undefined, denied)
})

test('two rules with approvers of their own are each decided, and both have to be there', async () => {
  const { process } = createWorld()
  const approvals = await process()
  const { id } = await approvals.ask(wanted({}, ['r', 's']), seal)
  await approvals.decide(id, yes)
  assert.ok(approvals.find(need('r'), digest))
  assert.equal(approvals.find(need('s'), digest), undefined)
  assert.equal((await approvals.ask(wanted({}, ['s']), seal)).id, id)
  await approvals.decide(id, { ...yes, rules: ['s'], by: 'sid' })
  assert.deepEqual(
    (await approvals.read(id))?.needs.map(({ state, by }) => [state, by]),
    [
      ['approved', 'lena'],
      ['approved', 'sid'],
    ],
  )
})

test('a call that was denied is not asked about again for a while', async () => {
  const { process, clock } = createWorld()
  const approvals = await process()
  const { id } = await approvals.ask(wanted(), seal)
  await approvals.decide(id, { ...yes, decision: { kind: 'deny' } })
  assert.equal((await approvals.ask(wanted(), seal)).id, id)
  assert.equal(await approvals.decide(id, yes), undefined)
  clock.nowMs += 10 * 60_000
  assert.notEqual((await approvals.ask(wanted(), seal)).id, id)
})

test('what was asked or approved under other terms counts for nothing once the policy has changed', async () => {
  const approvals = await createWorld().process()
  const others: readonly ApprovalTerms[] = [
    { by: { kind: 'group', group: 'security' }, forMs: 600_000 },
    { by: { kind: 'subject' }, forMs: 600_000 },
    { ...TERMS, forMs: undefined },
    { ...TERMS, forMs: 60_000 },
  ]
  const { id } = await approvals.ask(wanted(), seal)
  await approvals.decide(id, { ...yes, decision: { kind: 'for', ms: 600_000 } })
  assert.ok(approvals.find(need('r'), digest))
  for (const terms of others) {
    assert.equal(approvals.find(need('r', terms), digest), undefined)
    const other = await approvals.ask(wanted({ arguments: 'b' }), seal)
    assert.notEqual(
      (await approvals.ask(wanted({ arguments: 'b' }, ['r'], terms), seal)).id,
      other.id,
    )
  }
})

test('one caller is asked about so many calls in an hour, and the same call is one of them once', async () => {
  const { process, clock } = createWorld()
  const approvals = await process()
  for (let round = 0; round < MAX_ASKS; round += 1) {
    await approvals.ask(wanted({ arguments: `${round}` }), seal)
    await approvals.ask(wanted({ arguments: `${round}` }), seal)
  }
  await assert.rejects(approvals.ask(wanted({ arguments: 'more' }), seal), TooManyAsks)
  assert.ok(await approvals.ask(wanted({ arguments: '0' }), seal))
  for (const other of [{ subject: 'bob' }, { client: 'other' }, { issuer: 'x' }, { tenant: 'y' }]) {
    assert.ok(await approvals.ask(wanted(other), seal))
  }
  clock.nowMs += 60 * 60_000
  assert.ok(await approvals.ask(wanted({ arguments: 'more' }), seal))
})

test('what is no id is not looked up', async () => {
  const { process } = createWorld()
  const approvals = await process()
  for (const id of ['', '../head', 'a'.repeat(21), `${'a'.repeat(21)}/`]) {
    assert.equal(await approvals.read(id), undefined)
  }
})
