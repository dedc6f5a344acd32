/** Random policies, callers and calls from a small vocabulary, so that rules and calls meet often. */
import * as fc from 'fast-check'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import { CLASSES, EXPRESSIONS, MOMENTS, type NaiveWorld, WINDOWS } from './naive-conditions.ts'
import { LIMITS } from './naive-choice.ts'
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
  fc.record({ idp: list(fc.constantFrom('corp', 'other')) }),
  fc.record({ claims: fc.constantFrom({ level: 3 }, { team: 'a' }) }),
  { weight: 3, arbitrary: fc.constant({ any: true } as const) },
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
  // So that several rules often meet at one call.
  { weight: 3, arbitrary: fc.record({ servers: list(serverGlob) }) },
)

const except = fc.oneof(fc.constant(undefined), namedTargets)

/** What a rule may say beside subjects and targets: mostly nothing. */
const conditions = fc.record({
  when: rarely(3, fc.constantFrom(...Object.keys(EXPRESSIONS))),
  during: rarely(6, fc.constantFrom(...WINDOWS.map(({ during }) => during))),
  annotations: rarely(
    8,
    fc.constantFrom<Partial<ToolTraits>>(
      { readOnlyHint: true },
      { destructiveHint: true, openWorldHint: true },
    ),
  ),
  grant: rarely(6, fc.constant({ ttl: '1h' })),
  limits: rarely(2, fc.constantFrom(...LIMITS.map(({ limits }) => limits))),
  credential: rarely(3, fc.constantFrom('reader', 'writer')),
  delegation: rarely(
    8,
    fc.constantFrom<NonNullable<NaiveRule['delegation']>>(
      { max_depth: 1 },
      { on_behalf_of: 'user' },
    ),
  ),
  show: rarely(2, fc.constant(true)),
  mode: rarely(8, fc.constant('shadow' as const)),
  obligations: rarely(
    1,
    fc.constantFrom<NonNullable<NaiveRule['obligations']>>(
      [{ notify: 'a' }],
      [{ audit: 'arguments' }],
      [{ audit: 'arguments' }, { redact: ['n', 'x.y'] }, { notify: 'b' }],
      [{ audit: 'arguments' }, { redact: ['m'] }, { notify: 'a' }],
    ),
  ),
})

const requirement: fc.Arbitrary<NonNullable<NaiveRule['require']>> = fc.constantFrom(
  { approval: { by: 'subject' } },
  { scopes: ['s3'] },
  { approval: { by: 'group:g1' }, scopes: ['s1'] },
  { step_up: { max_age: '10m' } },
  { step_up: { acr: ['gold'] } },
  { step_up: { acr: ['iron', 'gold'], max_age: '1h' }, approval: { by: 'subject' } },
  { step_up: { acr: ['iron'] }, scopes: ['s2'] },
)

/** Once in about so many rules. */
function rarely<T>(times: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { arbitrary: fc.constant(undefined), weight: times },
    { arbitrary: value, weight: 1 },
  )
}

const draft = fc.record({
  effect: fc.constantFrom(
    'allow',
    'allow',
    'allow',
    'allow',
    'deny',
    'require',
    'require',
    'require',
  ),
  conditions,
  requirement,
  subjects: list(subject),
  targets,
  except,
  disclose: fc.boolean(),
})

/** A rule that loads; its id is made from `number`. */
export function rule(number: number): fc.Arbitrary<NaiveRule> {
  return draft.map(({ effect, subjects, targets, except, disclose, conditions, requirement }) => ({
    id: `r-${number}`,
    effect,
    subjects: effect === 'deny' && number % 5 === 0 ? [...subjects, { chain: ['bot*'] }] : subjects,
    ...targets,
    ...fitting(effect, targets, conditions),
    ...(effect === 'require' ? { require: requirement } : {}),
    ...(except === undefined ? {} : { except }),
    ...(effect === 'deny' && disclose ? { reason: 'because', disclose } : {}),
  }))
}

type Conditions = typeof conditions extends fc.Arbitrary<infer T> ? T : never

/** Those of the conditions that a rule with this effect and these targets may have. */
function fitting(
  effect: NaiveRule['effect'],
  targets: NaiveLists & { readonly servers?: unknown },
  conditions: Conditions,
): Partial<NaiveRule> {
  const isAllow = effect === 'allow'
  const { when, during, annotations, grant, delegation, show, mode, credential, limits } =
    conditions
  // A deny rule can tell only.
  const obligations = conditions.obligations?.filter((one) => effect !== 'deny' || 'notify' in one)
  return {
    ...(when === undefined ? {} : { when }),
    ...(during === undefined ? {} : { during }),
    ...(mode === undefined ? {} : { mode }),
    ...(obligations === undefined || obligations.length === 0 ? {} : { obligations }),
    ...(annotations !== undefined && (targets.tools ?? targets.servers) !== undefined
      ? { annotations }
      : {}),
    ...(isAllow && grant !== undefined ? { grant } : {}),
    ...(isAllow && limits !== undefined ? { limits } : {}),
    ...(isAllow && credential !== undefined ? { credential } : {}),
    ...(isAllow && delegation !== undefined ? { delegation } : {}),
    ...(isAllow && show === true && (grant ?? during) !== undefined ? { show } : {}),
  }
}

/** What is the case beside rules, caller and call. */
export const world: fc.Arbitrary<NaiveWorld> = fc.record({
  nowMs: fc.constantFrom(...MOMENTS),
  args: fc.constantFrom({}, { n: 1 }, { n: 2 }, { n: 'x' }, { m: 1 }),
  shift: fc.nat(5),
})

/** A policy of up to eight rules. */
export const policy: fc.Arbitrary<NaivePolicy> = fc
  .array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 8 })
  .chain((numbers) => fc.tuple(...[...new Set(numbers)].map((number) => rule(number))))
  .map((rules) => ({ version: 1, sets: SETS, rules }))

const claims: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .record({
    about: fc.constantFrom({}, { level: 3 }, { level: 1, team: 'a' }, { level: 'x' }),
    acr: fc.constantFrom(...CLASSES),
    auth_time: fc.oneof(
      fc.constantFrom(undefined, 'noon'),
      // Some of it is long ago, some is in the future.
      fc
        .tuple(fc.constantFrom(...MOMENTS), fc.constantFrom(-60, 0, 600, 601, 3_600))
        .map(([ms, ago]) => ms / 1_000 - ago),
    ),
  })
  .map(({ about, ...signedIn }) => ({ ...about, ...signedIn }))

export const caller: fc.Arbitrary<Caller> = fc
  .record({
    tenant: fc.constantFrom('t1', 't2'),
    issuer: fc.constantFrom('i1', 'i2'),
    subject: fc.constantFrom('alice', 'bob', 'carl@x', 'corp|1'),
    client: fc.constantFrom('', 'c1', 'd1'),
    kind: fc.constantFrom('human', 'agent', 'service'),
    groups: fc.subarray(['g1', 'g2']).map((all) => new Set(all)),
    scopes: fc.subarray(['s1', 's2', 's3']).map((all) => new Set(all)),
    interactive: fc.boolean(),
    claims,
    actors: fc.constantFrom(
      [],
      [{ issuer: 'i1', subject: 'bot-1' }],
      [
        { issuer: 'i1', subject: 'x' },
        { issuer: 'i1', subject: 'bot-2' },
      ],
    ),
  })
  .map((described) => ({
    ...described,
    via: 'jwt',
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
