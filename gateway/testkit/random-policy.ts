/** Random policies, callers and calls from a small vocabulary, so that rules and calls meet often. */
import * as fc from 'fast-check'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type {
  NaiveLists,
  NaivePolicy,
  NaiveRule,
  NaiveSubject,
  NaiveTarget,
} from './naive-policy.ts'

export const SERVERS = ['docs', 'docs-old', 'db'] as const

const METHODS = [
  'initialize',
  'ping',
  'tools/list',
  'logging/setLevel',
  'sampling/createMessage',
  'notifications/initialized',
  'x/y/z',
] as const

function text(...parts: readonly string[]): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 })
    .map((all) => all.join(''))
}

const name = text('read', '_', 'a', 'b', '/', '😀')
const nameGlob = text('read', '_', 'a', 'b', '/', '*', '**', '?', '😀')
const path = text('a', 'b', '/', 'c', 'b', 'a/c')
const uri = path.map((rest) => `file:///${rest}`)
const uriGlob = fc.oneof(
  text('a', 'b', '/', '*', '**', '?', 'c').map((rest) => `file:///${rest}`),
  fc.constantFrom('**', 'file:**'),
)
const template = fc.tuple(path, text('{x}', '/', 'a')).map(([one, two]) => `file:///${one}${two}`)
const serverGlob = fc.constantFrom(...SERVERS, 'docs', 'docs', 'docs*', '*', 'd?', '**')
const methodGlob = fc.oneof(
  fc.constantFrom(...METHODS, 'tools/*', '**', '*', 'resources/*', 'x/**'),
  fc.constantFrom(...METHODS),
)

const named = fc.tuple(serverGlob, nameGlob).map(([server, glob]) => `${server}/${glob}`)
const addressed = fc.tuple(serverGlob, uriGlob).map(([server, glob]) => `${server}:${glob}`)

const SETS = {
  names: ['docs/read*', '*/a', 'db/**'],
  plain: [{ kind: 'agent' }, { groups: ['g1'], scopes: ['s1'] }],
} as const satisfies NaivePolicy['sets']

function list<T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(one, { minLength: 1, maxLength: 3 })
}

function withSet(one: fc.Arbitrary<string>): fc.Arbitrary<NaiveTarget[]> {
  return list(
    fc.oneof(
      { weight: 5, arbitrary: one },
      { weight: 1, arbitrary: fc.constant({ set: 'names' }) },
    ),
  )
}

const subject: fc.Arbitrary<NaiveSubject> = fc.oneof(
  fc.constant({ any: true } as const),
  fc.constant({ set: 'plain' }),
  fc.record({ scopes: list(fc.constantFrom('s1', 's2', 's3')) }),
  fc
    .record(
      {
        kind: fc.constantFrom('human', 'agent', 'service'),
        groups: list(fc.constantFrom('g1', 'g2')),
        users: list(fc.constantFrom('alice', 'a*', '*@x', 'b?b')),
        clients: list(fc.constantFrom('c1', 'c*')),
        scopes: list(fc.constantFrom('s1', 's2', 's3')),
        issuers: list(fc.constantFrom('i1', 'i2')),
        tenant: fc.constantFrom('t1', 't2'),
        set: fc.constant('plain'),
      },
      { requiredKeys: [] },
    )
    .filter((one) => Object.keys(one).length > 0 && Object.keys(one).length < 4),
)

const namedTargets: fc.Arbitrary<NaiveLists> = fc
  .record(
    {
      tools: withSet(named),
      prompts: list(named),
      resources: list(addressed),
      methods: list(methodGlob),
    },
    { requiredKeys: [] },
  )
  .filter((one) => Object.keys(one).length > 0)

const targets = fc.oneof(
  { weight: 4, arbitrary: namedTargets },
  {
    weight: 2,
    arbitrary: fc.record(
      { servers: list(serverGlob), methods: list(methodGlob) },
      { requiredKeys: ['servers'] },
    ),
  },
)

const except = fc.oneof(fc.constant(undefined), namedTargets)

const draft = fc.record({
  effect: fc.constantFrom('allow', 'allow', 'deny'),
  subjects: list(subject),
  targets,
  except,
  disclose: fc.boolean(),
})

/** A rule that loads; its id is made from `number`. */
export function rule(number: number): fc.Arbitrary<NaiveRule> {
  return draft.map(({ effect, subjects, targets, except, disclose }) => ({
    id: `r-${number}`,
    effect,
    subjects,
    ...targets,
    ...(except === undefined ? {} : { except }),
    ...(effect === 'deny' && disclose ? { reason: 'because', disclose } : {}),
  }))
}

/** A policy of up to eight rules. */
export const policy: fc.Arbitrary<NaivePolicy> = fc
  .array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 8 })
  .chain((numbers) => fc.tuple(...[...new Set(numbers)].map((number) => rule(number))))
  .map((rules) => ({ version: 1, sets: SETS, rules }))

export const caller: fc.Arbitrary<Caller> = fc
  .record({
    tenant: fc.constantFrom('t1', 't2'),
    issuer: fc.constantFrom('i1', 'i2'),
    subject: fc.constantFrom('alice', 'bob', 'carl@x'),
    client: fc.constantFrom('', 'c1', 'd1'),
    kind: fc.constantFrom('human', 'agent', 'service'),
    groups: fc.subarray(['g1', 'g2']).map((all) => new Set(all)),
    scopes: fc.subarray(['s1', 's2', 's3']).map((all) => new Set(all)),
    interactive: fc.boolean(),
  })
  .map((described) => ({
    ...described,
    via: 'jwt',
    actors: [],
    tokenId: undefined,
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 0,
    expiresAtSeconds: 1,
  }))

const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ kind: fc.constantFrom('tool', 'prompt'), name }),
  fc.record({ kind: fc.constant('resource'), name: uri }),
  fc.record({ kind: fc.constant('template'), name: template }),
  fc.constant({ kind: 'task', name: 'a' } as const),
)

const METHOD_OF = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'completion/complete',
  task: 'tasks/get',
} as const

function call(method: string, needs: Call['needs'], targets: readonly Target[]): Call {
  const rest = { id: '1', arguments: undefined, spans: {} }
  return {
    direction: 'up',
    kind: 'request',
    era: 'modern',
    version: '',
    method,
    needs,
    targets,
    ...rest,
  }
}

/** Calls of every need, also ones with several targets or none where they could have some. */
export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: target.map((one) => call(METHOD_OF[one.kind], 'targets', [one])) },
  {
    weight: 1,
    arbitrary: fc.array(target, { maxLength: 3 }).map((all) => call('x/y/z', 'targets', all)),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(target, { maxLength: 3 })
      .map((all) => call('subscriptions/listen', 'targets', all)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...METHODS).map((method) => call(method, 'connection', [])),
  },
  { weight: 2, arbitrary: fc.constantFrom(...METHODS).map((method) => call(method, 'method', [])) },
)

export const server: fc.Arbitrary<string> = fc.constantFrom(...SERVERS)
