import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision, Deny } from '../model/decision.ts'
import { fuzzOptions } from '../testkit/fuzz.ts'
import {
  naiveCall,
  type NaiveDecision,
  type NaivePolicy,
  type NaiveQuestion,
  naiveScopes,
  naiveTarget,
  naiveVisible,
} from '../testkit/naive-policy.ts'
import { naiveChosen, naiveLimits } from '../testkit/naive-choice.ts'
import { naiveObligations, obligationsForm } from '../testkit/naive-obligations.ts'
import {
  naiveApproved,
  naiveGrant,
  naiveTraits,
  type NaiveWorld,
} from '../testkit/naive-conditions.ts'
import { anyCall, caller, policy, rule, server, SERVERS, world } from '../testkit/random-policy.ts'
import { compilePolicy } from '../testkit/compile-policy.ts'
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
  const outcomes =
    'allow deny_rule missing_scope step_up no_rule require no_grant outside_window'.split(' ')
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
  if (decision.effect === 'deny' && decision.reason !== 'step_up') {
    const asks = decision.reason === 'missing_scope' && caller.interactive
    assert.equal(decision.missingScopes.length > 0, asks)
  }
  const asked: NaiveQuestion = { policy, ...question, method: call.method, asking: 'call' }
  const connection = naiveCall(asked, 'connection')
  const each = call.targets.map((target) => ({ target, ...naiveAbout(asked, target) }))
  if (call.method === 'subscriptions/listen' && connection.outcome === 'connection') {
    const dropped = each.filter(({ outcome }) => outcome !== 'allow').map(({ target }) => target)
    assert.ok(decision.effect === 'allow')
    assert.deepEqual([decision.rule, decision.dropped], [CONNECTION_RULE, dropped])
    return
  }
  if (call.method === 'subscriptions/listen') return assertOutcome(decision, connection)
  if (call.needs !== 'targets') {
    const needed = naiveCall(asked, call.needs)
    assertOutcome(decision, needed)
    if (call.needs === 'method') {
      assertTerms(policy, decision, needed)
      assertShadow(decision, () => naiveCall(shadowed(asked), 'method'))
    }
    return
  }
  const refused = each.find((one) => !isPassable(one, caller))
  const lacking = each.filter(({ outcome }) => ASKED_FOR.includes(outcome))
  const stale = lacking.find(({ outcome }) => outcome === 'step_up')
  const waiting = each.find(({ outcome }) => outcome === 'require')
  const decisive = refused ?? stale ?? lacking[0] ?? waiting ?? each[0]
  assertOutcome(decision, decisive ?? connection)
  if (each.length === 1 && decisive !== undefined) {
    assertShadow(decision, () => naiveAbout(shadowed(asked), decisive.target))
    if (call.method !== 'completion/complete') assertTerms(policy, decision, decisive)
    if (decision.effect === 'deny') assertStepUp(decision, decisive)
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

/** What a caller can get and come back with. */
const ASKED_FOR: readonly string[] = ['missing_scope', 'step_up']

/** Whether the call may still go on, sooner or later. */
function isPassable({ outcome, stepUp }: NaiveDecision, { interactive }: Caller): boolean {
  if (outcome === 'step_up') return stepUp !== undefined
  return (
    outcome === 'allow' || outcome === 'require' || (outcome === 'missing_scope' && interactive)
  )
}

/** What is to be done about it is what the rule that is named says, and those that require something. */
function assertTerms(
  { rules: all }: NaivePolicy,
  decision: Decision,
  { rules, requires = [] }: NaiveDecision,
): void {
  const named = (id: string | undefined) => all.filter((rule) => rule.id === id)
  const said = obligationsForm(decision.obligations)
  if (decision.effect === 'allow') {
    assert.equal(said, naiveObligations([...requires, ...named(decision.rule)]))
    assert.deepEqual(decision.limits, named(decision.rule).map(naiveLimits)[0])
  } else if (decision.effect === 'require') {
    assert.equal(said, naiveObligations(rules))
    const later = obligationsForm(decision.allow.obligations)
    assert.equal(later, naiveObligations([...requires, ...named(decision.allow.rule)]))
  } else {
    const isOwn = decision.reason === 'deny_rule' || decision.reason === 'step_up'
    assert.equal(said, naiveObligations(isOwn ? named(decision.rule) : []))
  }
}

function assertStepUp({ stepUp }: Deny, naive: NaiveDecision): void {
  const wanted = naive.outcome === 'step_up' ? naive.stepUp : undefined
  const sorted = stepUp && { ...stepUp, acr: stepUp.acr.toSorted() }
  assert.deepEqual(sorted, wanted && { ...wanted, acr: wanted.acr.toSorted() })
}

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

/** Outcomes that name the rule in the way. */
const NAMED: readonly string[] = ['deny_rule', 'no_grant', 'step_up']

const CLOSED: readonly string[] = ['outside_window', 'no_grant']

function assertOutcome(decision: Decision, { outcome, rules }: NaiveDecision): void {
  const ids = rules.map(({ id }) => id)
  if (outcome === 'connection' || outcome === 'allow') {
    assert.ok(decision.effect === 'allow')
    const chosen = naiveChosen(outcome === 'allow' ? rules : [])
    const named = chosen.find(({ id }) => id === decision.rule)
    assert.equal(named === undefined, outcome === 'connection')
    assert.equal(decision.credential, named?.credential)
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
  assert.equal(rule === undefined, !NAMED.includes(outcome))
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
