import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fuzzOptions } from '../testkit/fuzz.ts'
import {
  hasRepetition,
  parseTree,
  lastMember as get,
  READER_MODELS,
  type ReaderModel,
  type Tree,
} from '../testkit/reader-models.ts'
import type { Message } from './message.ts'
import { readCall } from './read-call.ts'
import { scan } from './scan.ts'

const RUNS = fuzzOptions({
  what: 'bodies against the models of their readers',
  test: 20_000,
  prove: 1_000_000,
})

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

/** White space of JSON, mostly none, and sometimes what only other readers skip. */
const space = fc.oneof(
  { weight: 400, arbitrary: fc.constant('') },
  { weight: 80, arbitrary: fc.constantFrom(' ', '\n', '\t', '\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\0', '\f', '\u00a0', '\ufeff', '/**/', '//\n') },
)

/** A JSON string of a text, each character plain or escaped. */
function literal(text: string): fc.Arbitrary<string> {
  const escapeAll = (isEscaped: (index: number) => boolean) =>
    Array.from({ length: text.length }, (_, i) =>
      isEscaped(i)
        ? `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`
        : JSON.stringify(text.charAt(i)).slice(1, -1),
    ).join('')
  return fc.oneof(
    { weight: 9, arbitrary: fc.constant(`"${escapeAll(() => false)}"`) },
    { weight: 1, arbitrary: fc.nat(text.length).map((at) => `"${escapeAll((i) => i === at)}"`) },
  )
}

/** Names that a lenient reader takes for `name`. */
function alike(name: string): fc.Arbitrary<string> {
  return fc.constantFrom(
    name.toUpperCase(),
    name.slice(0, 1).toUpperCase() + name.slice(1),
    `${name}\0`,
    `${name} `,
    `\t${name}`,
    `${name}\u200b`,
    `\ufeff${name}`,
    `${name}\0x`,
    name.replace('s', '\u017f').replace('k', '\u212a'),
    name.replace(/[a-z]/, (letter) => String.fromCharCode(0xfee0 + letter.charCodeAt(0))),
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  )
}

function member(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(literal(name), space, space, value, space)
    .map(([key, before, after, text, end]) => `${key}${before}:${after}${text}${end}`)
}

/** An object of these members in any order, seldom with one of them again, or with something alike. */
function object(members: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> {
  const all = Object.entries(members)
  const usual = fc
    .tuple(...all.map(([name, value]) => fc.tuple(member(name, value), fc.nat())))
    .map((parts) => parts.toSorted((a, b) => a[1] - b[1]).map(([text]) => text))
  const odd = fc.constantFrom(...all).chain(([name, value]) =>
    fc.oneof(
      member(name, value),
      alike(name).chain((other) => member(other, value)),
      fc
        .constantFrom('__proto__', 'constructor', 'x', 'com.example/y')
        .chain((other) => member(other, value)),
    ),
  )
  const odds = fc.oneof(
    { weight: 12, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(odd, { minLength: 1, maxLength: 2 }) },
  )
  return fc
    .tuple(usual, odds, fc.boolean(), space)
    .map(
      ([parts, more, front, gap]) =>
        `{${gap}${(front ? [...more, ...parts] : [...parts, ...more]).join(',')}}`,
    )
}

const text = fc
  .oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom('echo', 'delete_all', 'tools/call', 'a:b', '', 'ü', 'ref/prompt'),
    },
    { weight: 1, arbitrary: fc.constantFrom('\u0000', '\ud800', 'echo\u0000', '\u0085') },
  )
  .chain(literal)
const any = fc.oneof(text, fc.json({ maxDepth: 2 }))

const meta = object({
  [VERSION]: fc.constantFrom('"2026-07-28"', '"2025-11-25"', '1'),
  [CAPABILITIES]: any,
  a: any,
})
const params = fc.oneof(
  object({ name: text, arguments: fc.json({ maxDepth: 3 }), _meta: meta }),
  object({ uri: text, requestState: text }),
  object({ taskId: text, _meta: fc.constant('{}') }),
  object({ ref: object({ type: text, name: text, uri: text }), argument: any }),
  object({
    notifications: object({
      resourceSubscriptions: fc.array(text).map((all) => `[${all.join(',')}]`),
      taskIds: any,
    }),
  }),
  any,
)
const method = fc
  .constantFrom('tools/call', 'tools/list', 'resources/read', 'initialize', 'x/y')
  .chain(literal)
const id = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('1', '-7', '"a"', '"\\u00fc"', '"9007199254740993"') },
  { weight: 1, arbitrary: fc.constantFrom('9007199254740993', '1.0', 'null', '-0', '[]', '""') },
)
const version = fc.constant('"2.0"')

const message = fc.oneof(
  { weight: 8, arbitrary: object({ jsonrpc: version, id, method, params }) },
  { weight: 1, arbitrary: object({ jsonrpc: version, method, params }) },
  { weight: 1, arbitrary: object({ jsonrpc: version, id, result: any }) },
)
const frame = fc.oneof(
  { weight: 12, arbitrary: message },
  { weight: 1, arbitrary: fc.array(message, { maxLength: 3 }).map((all) => `[${all.join(',')}]`) },
)

/** A change of some bytes: one replaced, some removed, some repeated. */
const mutation = fc.record({
  kind: fc.constantFrom('replace', 'remove', 'repeat'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 8 }),
  byte: fc.oneof(
    fc.constantFrom(...'{ } [ ] " , : \\ \0 e E . - +'.split(' '), ' '),
    fc.integer({ max: 255, min: 0 }).map((n) => String.fromCharCode(n)),
  ),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(bytes: Buffer, { kind, at, length, byte }: Mutation): Buffer {
  const start = at % (bytes.length + 1)
  const end = Math.min(start + length, bytes.length)
  const middle = {
    replace: Buffer.from(byte, 'latin1'),
    remove: Buffer.alloc(0),
    repeat: bytes.subarray(start, end),
  }
  const rest = bytes.subarray(kind === 'repeat' ? start : kind === 'replace' ? start + 1 : end)
  return Buffer.concat([bytes.subarray(0, start), middle[kind], rest])
}

const body = fc
  .tuple(
    frame,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
    ),
  )
  .map(([text, mutations]) => mutations.reduce(mutate, Buffer.from(text)))

function textOf(tree: Tree | undefined): string | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'string' ? tree.value : undefined
}

function textsOf(tree: Tree | undefined): readonly string[] | undefined {
  if (tree === undefined) return []
  if (tree.kind !== 'array') return undefined
  const texts = tree.elements.map(textOf)
  return texts.every((text) => text !== undefined) ? texts : undefined
}

/** What a decision rests on, as one reader sees it. */
function readings(tree: Tree | undefined, get: ReaderModel): unknown {
  const params = get(tree, 'params')
  const ref = get(params, 'ref')
  const notifications = get(params, 'notifications')
  const resources = textsOf(get(notifications, 'resourceSubscriptions'))
  const tasks = textsOf(get(notifications, 'taskIds'))
  const isListening =
    notifications?.kind === 'object' && resources !== undefined && tasks !== undefined
  const id = get(tree, 'id')
  return {
    method: textOf(get(tree, 'method')) ?? '',
    id: id?.kind === 'scalar' ? (id.value ?? undefined) : undefined,
    name: textOf(get(params, 'name')),
    uri: textOf(get(params, 'uri')),
    taskId: textOf(get(params, 'taskId')),
    requestState: textOf(get(params, 'requestState')),
    version: textOf(get(get(params, '_meta'), VERSION)),
    ref:
      ref?.kind === 'object'
        ? {
            type: textOf(get(ref, 'type')),
            name: textOf(get(ref, 'name')),
            uri: textOf(get(ref, 'uri')),
          }
        : undefined,
    listening: isListening ? { resources, tasks } : undefined,
  }
}

function readingsOfScan({ method, id, params }: Message): unknown {
  return {
    method,
    id: id?.value,
    name: params?.name,
    uri: params?.uri,
    taskId: params?.taskId,
    requestState: params?.requestState,
    version: params?.meta?.protocolVersion,
    ref: params?.ref,
    listening: params?.listening && {
      resources: params.listening.resources,
      tasks: params.listening.tasks,
    },
  }
}

function textFrom(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function treeFrom(bytes: Uint8Array): Tree | undefined {
  const text = textFrom(bytes)
  if (text === undefined) return undefined
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return parseTree(text)
}

/** Names that occur in this file and are, or resemble, no protocol name but themselves. */
const SANE_NAMES = new Set(
  `jsonrpc id method params name uri arguments _meta taskId requestState ref type argument
  notifications resourceSubscriptions taskIds a x com.example/y ${VERSION} ${CAPABILITIES}`.split(
    /\s+/,
  ),
)

/** Whether nobody could object: written apart from the scanner, and narrower than what it accepts. */
function isSane(tree: Tree): boolean {
  const params = get(tree, 'params')
  const meta = get(params, '_meta')
  const ref = get(params, 'ref')
  const notifications = get(params, 'notifications')
  const id = get(tree, 'id')
  const objects = [tree, params, meta, ref, notifications]
  const names = [
    get(tree, 'method'),
    ...['name', 'uri', 'taskId'].map((name) => get(params, name)),
    ...['type', 'name', 'uri'].map((name) => get(ref, name)),
    ...[get(notifications, 'resourceSubscriptions'), get(notifications, 'taskIds')].flatMap(
      (list) => (list?.kind === 'array' ? list.elements : []),
    ),
  ]
  return (
    tree.kind === 'object' &&
    objects.every(
      (object) =>
        object?.kind !== 'object' || object.members.every(([name]) => SANE_NAMES.has(name)),
    ) &&
    [params, meta].every((object) => object === undefined || object.kind === 'object') &&
    textOf(get(tree, 'jsonrpc')) === '2.0' &&
    textOf(get(tree, 'method')) !== undefined &&
    (id === undefined ||
      (id.kind === 'scalar' && /^(?:0|[1-9]\d{0,14}|"\w{1,250}")$/.test(id.raw))) &&
    names.every((name) => !/[\p{Cc}\p{Cs}]/u.test(textOf(name) ?? '')) &&
    !hasRepetition(tree) &&
    hasWellFormedNames(tree)
  )
}

function hasWellFormedNames(tree: Tree): boolean {
  if (tree.kind === 'scalar') return true
  if (tree.kind === 'array') return tree.elements.every(hasWellFormedNames)
  return tree.members.every(([name, value]) => name.isWellFormed() && hasWellFormedNames(value))
}

test('what the scanner accepts reads the same in every parser, and what nobody objects to it accepts', () => {
  const seen = { accepted: 0, sane: 0, refused: 0 }
  fc.assert(
    fc.property(body, (bytes) => {
      const scanned = scan(bytes)
      const tree = treeFrom(bytes)
      if (!scanned.ok) {
        seen.refused += 1
        assert.ok(tree === undefined || !isSane(tree), scanned.problem.message)
        return
      }
      seen.accepted += 1
      if (tree === undefined) assert.fail('accepted what JSON.parse does not')
      if (isSane(tree)) seen.sane += 1
      assert.equal(hasRepetition(tree), false)
      const trees = tree.kind === 'array' ? tree.elements : [tree]
      assert.equal(trees.length, scanned.messages.length)
      for (const [i, message] of scanned.messages.entries()) checkMessage(message, trees[i], bytes)
    }),
    RUNS,
  )
  const least = RUNS.numRuns / 10
  assert.ok(
    Object.values(seen).every((count) => count > least),
    JSON.stringify(seen),
  )
})

function checkMessage(message: Message, tree: Tree | undefined, bytes: Buffer): void {
  const expected = readingsOfScan(message)
  for (const [model, find] of Object.entries(READER_MODELS)) {
    assert.deepEqual(readings(tree, find), expected, model)
  }
  const { start, end } = message.span
  assert.deepEqual(treeFrom(bytes.subarray(start, end)), tree)
  const given = message.params?.arguments
  if (given !== undefined) {
    assert.deepEqual(
      treeFrom(bytes.subarray(given.start, given.end)),
      get(get(tree, 'params'), 'arguments'),
    )
  }
  for (const direction of ['up', 'down'] as const) {
    for (const headers of [
      {},
      { protocolVersion: '2026-07-28', method: 'tools/call', name: 'echo' },
    ]) {
      readCall({ message, direction, headers, extraMethods: new Set(['x/y']) })
    }
  }
}
