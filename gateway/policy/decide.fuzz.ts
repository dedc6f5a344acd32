import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { fuzzOptions } from '../testkit/fuzz.ts'
import {
  naiveCall,
  naiveCredential,
  type NaiveDecision,
  type NaivePolicy,
  type NaiveQuestion,
  naiveScopes,
  naiveTarget,
  naiveVisible,
} from '../testkit/naive-policy.ts'
import {
  naiveApproved,
  naiveGrant,
  naiveTraits,
  type NaiveWorld,
} from '../testkit/naive-conditions.ts'
import { anyCall, caller, policy, rule, server, SERVERS, world } from '../testkit/random-policy.ts'
import { compilePolicy } from './compile.ts'
import { CONNECTION_RULE, decide } from './decide.ts'
import type { Rules } from './rules.ts'
import { isVisible } from './visible.ts'
import { type Occasion, occasionAt } from './occasion.ts'

/** Questions asked of each random policy: compiling one costs more than asking it. */
const QUESTIONS = 100

/** Callers among them, each at a time of its own: each asks several times, so that its cached view is used. */
const CALLERS = 10

const { numRuns, seed } = fuzzOptions({
  what: 'decisions against a naive reading',
  test: 100_000,
  prove: 1_000_000,
})

type Question = {
  readonly caller: Caller
  readonly call: Call
  readonly server: string
  readonly world: NaiveWorld
}

const questions: fc.Arbitrary<readonly Question[]> = fc
  .tuple(
    fc.array(fc.tuple(caller, world), { minLength: CALLERS, maxLength: CALLERS }),
    fc.array(fc.tuple(anyCall, server), { minLength: QUESTIONS, maxLength: QUESTIONS }),
  )
  .map(([callers, asked]) =>
    asked.flatMap(([bare, server], index) => {
      const [caller, world] = callers[index % CALLERS] ?? []
      if (caller === undefined || world === undefined) return []
      const call = { ...bare, arguments: { start: 0, end: frameOf(world).length } }
      return { caller, call, server, world }
    }),
  )

test('every decision is the one a naive reading of the files gives', () => {
  const seen = new Map<string, number>()
  const property = fc.property(policy, questions, (policy, questions) => {
    const rules = compile(policy)
    for (const question of questions) {
      const decision = decide(rules, question.caller, question.call, occasionOf(question))
      assertSame(policy, question, decision)
      const key = decision.effect === 'deny' ? decision.reason : decision.effect
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS) })
  // Were the vocabulary too wide, everything would be denied alike and nothing compared.
  const outcomes = 'allow deny_rule missing_scope no_rule require no_grant outside_window'.split(
    ' ',
  )
  for (const outcome of outcomes) {
    assert.ok((seen.get(outcome) ?? 0) > numRuns / 2_000, `${outcome}: ${seen.get(outcome)}`)
  }
})

test('a list shows what the naive reading would let this caller use or ask scopes for', () => {
  const property = fc.property(policy, questions, (policy, questions) => {
    const rules = compile(policy)
    for (const question of questions) {
      for (const { kind, name } of question.call.targets) {
        if (kind === 'task') continue
        const target = { kind, name }
        const asked = { policy, ...question, method: '', asking: 'name' } as const
        const shown = isVisible(rules, question.caller, target, occasionOf(question))
        assert.equal(shown, naiveVisible(asked, target))
      }
    }
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

test('adding a deny rule never allows more', () => {
  const denying = rule(1000).filter(({ effect }) => effect === 'deny')
  const property = fc.property(policy, denying, questions, (policy, added, questions) => {
    const wider = { ...policy, rules: [...policy.rules, added] }
    assertNoMore(compile(policy), compile(wider), questions)
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

test('removing an allow rule never allows more', () => {
  const property = fc.property(policy, fc.nat(), questions, (policy, pick, questions) => {
    const allows = policy.rules.filter(({ effect }) => effect === 'allow')
    const removed = allows[pick % Math.max(allows.length, 1)]
    const rules = policy.rules.filter((one) => one !== removed)
    assertNoMore(compile(policy), compile({ ...policy, rules }), questions)
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

test('neither the order of rules nor of files matters, not even for the rule that is named', () => {
  const property = fc.property(policy, questions, fc.nat(), (policy, questions, cut) => {
    const reversed = policy.rules.toReversed()
    const at = cut % (reversed.length + 1)
    const files = [reversed.slice(0, at), reversed.slice(at)].map((rules) => ({ ...policy, rules }))
    const [one, other] = [compile(policy), compile(...files)]
    for (const question of questions) {
      const { caller, call } = question
      const occasion = occasionOf(question)
      assert.deepEqual(decide(other, caller, call, occasion), decide(one, caller, call, occasion))
    }
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

function compile(...policies: readonly NaivePolicy[]): Rules {
  const documents = policies.map((data, index) => ({
    file: `${index}.yaml`,
    data,
    at: () => ({ line: 1, column: 1 }),
  }))
  const compiled = compilePolicy(documents, SERVERS)
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.rules
}

/** What `after` allows, `before` allowed too, with no target dropped that now is not. */
function assertNoMore(before: Rules, after: Rules, questions: readonly Question[]): void {
  for (const question of questions) {
    const { caller, call } = question
    const occasion = occasionOf(question)
    const then = decide(before, caller, call, occasion)
    const now = decide(after, caller, call, occasion)
    if (now.effect !== 'allow') continue
    assert.ok(then.effect === 'allow')
    assert.deepEqual(
      then.dropped.filter((one) => !now.dropped.includes(one)),
      [],
    )
  }
}

function assertSame(policy: NaivePolicy, question: Question, decision: Decision): void {
  const { call, caller } = question
  if (decision.effect === 'deny') {
    const asks = decision.reason === 'missing_scope' && caller.interactive
    assert.equal(decision.missingScopes.length > 0, asks)
  }
  const asked: NaiveQuestion = { policy, ...question, method: call.method, asking: 'call' }
  const connection = naiveCall(asked, 'connection')
  const each = call.targets.map((target) => ({ target, ...naiveAbout(asked, target) }))
  if (call.method === 'subscriptions/listen' && connection.outcome === 'connection') {
    const dropped = each.filter(({ outcome }) => outcome !== 'allow').map(({ target }) => target)
    assert.deepEqual(decision, { effect: 'allow', rule: CONNECTION_RULE, dropped })
    return
  }
  if (call.method === 'subscriptions/listen') return assertOutcome(decision, connection)
  if (call.needs !== 'targets') {
    const needed = naiveCall(asked, call.needs)
    assertOutcome(decision, needed)
    if (call.needs === 'method') assertShadow(decision, () => naiveCall(shadowed(asked), 'method'))
    return
  }
  const passable = caller.interactive ? PASSABLE : new Set(['allow', 'require'])
  const refused = each.find(({ outcome }) => !passable.has(outcome))
  const lacking = each.find(({ outcome }) => outcome === 'missing_scope')
  const waiting = each.find(({ outcome }) => outcome === 'require')
  const decisive = refused ?? lacking ?? waiting ?? each[0]
  assertOutcome(decision, decisive ?? connection)
  if (each.length === 1 && decisive !== undefined) {
    assertShadow(decision, () => naiveAbout(shadowed(asked), decisive.target))
  }
  if (decision.effect !== 'deny') return
  assert.equal(decision.target, decisive?.target)
  // A rule that names a method hides from it also what lists show for another one.
  const isListed = call.method !== 'completion/complete' && call.method !== 'x/y/z'
  if (decisive !== undefined && isListed) {
    assert.equal(decision.hidden, decisive.hidden && decision.disclosed === undefined)
  }
  if (decision.reason !== 'missing_scope' || each.length > 1 || decision.hidden) return
  const own = (decisive?.rules ?? []).flatMap((rule) => naiveScopes(asked, rule))
  const [missing] = [decision.missingScopes]
  assert.ok(own.length === 0 || own.some((scopes) => scopes.every((one) => missing.includes(one))))
}

/** What a target may come to and the call still go on, sooner or later. */
const PASSABLE: ReadonlySet<string> = new Set(['allow', 'missing_scope', 'require'])

/** The decision about a task is that about its tool, and no rule knows the tools of these. */
function naiveAbout(asked: NaiveQuestion, target: Target): NaiveDecision {
  return naiveTarget(target.kind === 'task' ? { ...asked, asking: 'task' } : asked, target)
}

function shadowed(asked: NaiveQuestion): NaiveQuestion {
  return { ...asked, shadows: true }
}

/** What shadow rules would change is what the policy would decide with them in force. */
function assertShadow(decision: Decision, naive: () => NaiveDecision): void {
  const { outcome } = naive()
  const effect = outcome === 'allow' || outcome === 'require' ? outcome : 'deny'
  assert.equal(decision.shadow?.effect ?? decision.effect, effect)
}

const CLOSED: readonly string[] = ['outside_window', 'no_grant']

function assertOutcome(decision: Decision, { outcome, rules }: NaiveDecision): void {
  const ids = rules.map(({ id }) => id)
  if (outcome === 'connection' || outcome === 'allow') {
    assert.ok(decision.effect === 'allow')
    const credential = outcome === 'allow' ? naiveCredential(rules) : undefined
    assert.equal(decision.credential, credential)
    assert.ok([CONNECTION_RULE, ...ids].includes(decision.rule ?? ''))
    assert.equal(decision.rule === CONNECTION_RULE, outcome === 'connection')
    return
  }
  if (outcome === 'require') {
    assert.equal(decision.effect, 'require')
    assert.ok(ids.includes(decision.rule ?? ''))
    return
  }
  assert.ok(decision.effect === 'deny')
  const rule = rules.find(({ id }) => id === decision.rule)
  if (outcome === 'no_grant') assert.ok(CLOSED.includes(decision.reason))
  else assert.equal(decision.reason, outcome)
  assert.equal(rule === undefined, outcome !== 'deny_rule' && outcome !== 'no_grant')
  const tells = rule?.disclose === true
  assert.equal(decision.disclosed, tells ? rule?.reason : undefined)
}

/** The arguments of a question as a frame. */
function frameOf({ args }: NaiveWorld): Buffer {
  return Buffer.from(JSON.stringify(args))
}

function occasionOf({ server, world }: Question): Occasion {
  return occasionAt(server, {
    nowMs: world.nowMs,
    frame: frameOf(world),
    facts: {
      grant: (id) => naiveGrant(id, world),
      approved: (id) => naiveApproved(id, world),
      traits: (_server, tool) => naiveTraits(tool, world),
    },
  })
}
