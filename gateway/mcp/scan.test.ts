import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MalformedCode } from './malformed.ts'
import type { Message } from './message.ts'
import { scan } from './scan.ts'

const OK =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}'

function one(text: string | Buffer): Message {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, scanned.ok ? '' : scanned.problem.message)
  assert.equal(scanned.batch, false)
  assert.equal(scanned.messages.length, 1)
  return scanned.messages[0]!
}

function refused(text: string | Buffer): { code: MalformedCode; id: string | undefined } {
  const scanned = scan(Buffer.from(text))
  assert.ok(!scanned.ok, `accepted: ${text.toString().slice(0, 200)}`)
  return { code: scanned.problem.code, id: scanned.problem.id }
}

function call(params: string, id = '1'): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`
}

/** A tools/call whose arguments are `args`, which makes the frame two containers deeper. */
function withArguments(args: string): string {
  return call(`{"name":"echo","arguments":${args}}`)
}

const PARSE_ERRORS: readonly (readonly [string, string | Buffer])[] = [
  [
    'P-01 method twice, denied last',
    '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"delete_all"}}',
  ],
  [
    'P-01 method twice, denied first',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list","params":{"name":"delete_all"}}',
  ],
  ['P-02 name twice, denied last', call('{"name":"echo","name":"delete_all"}')],
  ['P-02 name twice, denied first', call('{"name":"delete_all","name":"echo"}')],
  ['P-02 name twice, once escaped', call('{"name":"echo","n\\u0061me":"delete_all"}')],
  ['P-02 name twice, escaped first', call('{"n\\u0061me":"delete_all","name":"echo"}')],
  ['a member twice deep in arguments', withArguments('{"a":[{"b":{"c":1,"d":2,"c":3}}]}')],
  ['params twice', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}'],
  ['P-05 a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(OK)])],
  ['P-06 byte FF in a string', Buffer.from(OK.replace('"a"', '"\u00ff"'), 'latin1')],
  ['P-06 an overlong slash', Buffer.from(OK.replace('"a"', '"\u00c0\u00af"'), 'latin1')],
  ['P-06 a surrogate in UTF-8', Buffer.from(OK.replace('"a"', '"\u00ed\u00a0\u0080"'), 'latin1')],
  ['P-08 text after the document', `${OK}x`],
  ['P-08 a second document', OK + OK],
  ['P-08 a second document on a new line', `${OK}\n${OK}`],
  ['P-08 a NUL after the document', `${OK}\0`],
  ['an empty frame', ''],
  ['white space only', ' \n\t\r'],
  ['P-09 NaN', withArguments('{"a":NaN}')],
  ['P-09 Infinity', withArguments('{"a":Infinity}')],
  ['P-09 -Infinity', withArguments('{"a":-Infinity}')],
  ['P-09 a hexadecimal number', withArguments('{"a":0x10}')],
  ['P-09 a leading zero', withArguments('{"a":01}')],
  ['P-09 a negative leading zero', withArguments('{"a":-01}')],
  ['P-09 a plus sign', withArguments('{"a":+1}')],
  ['P-09 a point without digits after it', withArguments('{"a":1.}')],
  ['P-09 a point without digits before it', withArguments('{"a":.5}')],
  ['P-09 an exponent without digits', withArguments('{"a":1e}')],
  ['P-09 an exponent with only a sign', withArguments('{"a":1e+}')],
  ['P-09 a lone minus', withArguments('{"a":-}')],
  ['P-09 a trailing comma in an object', withArguments('{"a":1,}')],
  ['P-09 a trailing comma in an array', withArguments('[1,]')],
  ['P-09 a trailing comma in the envelope', '{"jsonrpc":"2.0","id":1,"method":"ping",}'],
  ['P-09 a leading comma', withArguments('[,1]')],
  ['P-09 two commas', withArguments('[1,,2]')],
  ['P-09 no comma', withArguments('[1 2]')],
  ['P-09 no colon', withArguments('{"a" 1}')],
  ['P-09 two colons', withArguments('{"a"::1}')],
  ['P-09 no value', withArguments('{"a":}')],
  ['P-09 a bare member name', withArguments('{a:1}')],
  ['P-09 a number as a member name', withArguments('{1:1}')],
  ['P-09 a line comment', withArguments('{"a":1 // no\n}')],
  ['P-09 a block comment', withArguments('{"a":/* no */1}')],
  ['P-09 single quotes', withArguments("{'a':1}")],
  ['P-09 a raw line feed in a string', withArguments('{"a":"x\ny"}')],
  ['P-09 a raw NUL in a string', withArguments('{"a":"x\0y"}')],
  ['P-09 a raw tab in a member name', withArguments('{"a\tb":1}')],
  ['P-09 an unknown escape', withArguments('{"a":"\\x41"}')],
  ['P-09 a short unicode escape', withArguments('{"a":"\\u00g0"}')],
  ['P-09 a unicode escape at the end', withArguments('{"a":"\\u004"}')],
  ['P-09 a no-break space between tokens', withArguments('{\u00a0"a":1}')],
  ['P-09 a form feed between tokens', withArguments('{\f"a":1}')],
  ['P-09 words in capitals', withArguments('{"a":True}')],
  ['P-09 half a word', withArguments('{"a":tru}')],
  ['P-09 a word with more after it', withArguments('{"a":nullx}')],
  ['P-09 undefined', withArguments('{"a":undefined}')],
  ['an array closed as an object', withArguments('[1}')],
  ['an object closed as an array', withArguments('{"a":1]')],
  ['a member name with a lone surrogate', withArguments('{"a\\ud800":1}')],
  ['a string that does not end', '{"jsonrpc":"2.0'],
  ['a string that ends in a backslash', '{"jsonrpc":"2.0\\'],
  ['an envelope that does not end', OK.slice(0, -1)],
  ['a batch that does not end', `[${OK}`],
  ['a batch that ends in a comma', `[${OK},`],
  ['a batch with a comma before its end', `[${OK},]`],
  ['a batch without a comma', `[${OK} ${OK}]`],
]

for (const [what, text] of PARSE_ERRORS) {
  test(`is a parse error: ${what}`, () => {
    assert.deepEqual(refused(text), { code: 'parse_error', id: undefined })
  })
}

const INVALID_REQUESTS: readonly (readonly [string, string, string | undefined])[] = [
  [
    'P-03 Method beside method',
    '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}',
    '1',
  ],
  ['P-03 Method instead of method', '{"jsonrpc":"2.0","id":1,"Method":"tools/call"}', undefined],
  ['P-12 an empty batch', '[]', undefined],
  ['P-12 an empty batch with white space', ' [ ] ', undefined],
  ['a batch in a batch', `[[${OK}]]`, undefined],
  ['a batch with a number', `[${OK},1]`, undefined],
  ['a string', '"tools/call"', undefined],
  ['null', 'null', undefined],
  [
    'P-13 __proto__ in the envelope',
    '{"__proto__":{"isAdmin":true},"jsonrpc":"2.0","id":1,"method":"ping"}',
    '1',
  ],
  ['P-13 __proto__ in params', call('{"name":"echo","__proto__":{"isAdmin":true}}'), '1'],
  ['P-13 constructor in params', call('{"name":"echo","constructor":{}}'), '1'],
  ['P-13 prototype in _meta', call('{"name":"echo","_meta":{"prototype":{}}}'), '1'],
  ['P-19 id null', call('{"name":"echo"}', 'null'), undefined],
  ['P-19 id true', call('{"name":"echo"}', 'true'), undefined],
  ['P-19 id an array', call('{"name":"echo"}', '[]'), undefined],
  ['P-19 id an object', call('{"name":"echo"}', '{}'), undefined],
  ['P-19 id a fraction', call('{"name":"echo"}', '1.5'), undefined],
  ['P-19 id an integer written as a fraction', call('{"name":"echo"}', '1.0'), undefined],
  ['P-19 id with an exponent', call('{"name":"echo"}', '1e3'), undefined],
  ['P-19 id minus zero', call('{"name":"echo"}', '-0'), undefined],
  ['P-19 id an empty string', call('{"name":"echo"}', '""'), undefined],
  ['P-10 id beyond 2^53', call('{"name":"echo"}', '9007199254740993'), undefined],
  ['P-10 id below -2^53', call('{"name":"echo"}', '-9007199254740992'), undefined],
  ['id of 257 characters', call('{"name":"echo"}', `"${'x'.repeat(257)}"`), undefined],
  ['id with a control character', call('{"name":"echo"}', '"a\\u0000"'), undefined],
  ['id with DEL', call('{"name":"echo"}', '"a\u007f"'), undefined],
  ['id with a lone surrogate', call('{"name":"echo"}', '"a\\udc00"'), undefined],
  ['P-22 a request with a result', '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', '1'],
  ['P-22 a request with an error', '{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}', '1'],
  ['no jsonrpc', '{"id":1,"method":"ping"}', '1'],
  ['jsonrpc 1.0', '{"jsonrpc":"1.0","id":1,"method":"ping"}', '1'],
  ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"ping"}', '1'],
  ['an empty object', '{}', undefined],
  ['method a number', '{"jsonrpc":"2.0","id":1,"method":1}', '1'],
  ['method null', '{"jsonrpc":"2.0","id":1,"method":null}', '1'],
  ['method with a NUL', '{"jsonrpc":"2.0","id":1,"method":"ping\\u0000"}', '1'],
  ['method of 257 characters', `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(257)}"}`, '1'],
  ['neither method nor result', '{"jsonrpc":"2.0","id":1}', undefined],
  ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', undefined],
  ['a result without id', '{"jsonrpc":"2.0","result":{}}', undefined],
  ['a result with id null', '{"jsonrpc":"2.0","id":null,"result":{}}', undefined],
]

for (const [what, text, id] of INVALID_REQUESTS) {
  test(`is an invalid request: ${what}`, () => {
    assert.deepEqual(refused(text), { code: 'invalid_request', id })
  })
}

const INVALID_PARAMS: readonly (readonly [string, string])[] = [
  ['P-21 params an array', call('["delete_all"]')],
  ['P-21 params a string', call('"x"')],
  ['params null', call('null')],
  ['_meta a string', call('{"name":"echo","_meta":"x"}')],
  ['_meta null', call('{"name":"echo","_meta":null}')],
  ['P-07 a name with a lone surrogate', call('{"name":"echo\\ud800"}')],
  ['a name with a NUL', call('{"name":"echo\\u0000"}')],
  ['a uri with DEL', call('{"uri":"file:///\u007f"}')],
  ['a task id with a C1 control', call('{"taskId":"t\u0085"}')],
  ['a referred name with a line feed', call('{"ref":{"type":"ref/prompt","name":"a\\n"}}')],
  ['a listed uri with a NUL', call('{"notifications":{"resourceSubscriptions":["a\\u0000"]}}')],
]

for (const [what, text] of INVALID_PARAMS) {
  test(`has invalid params: ${what}`, () => {
    assert.deepEqual(refused(text), { code: 'invalid_params', id: '1' })
  })
}

test('P-04 an escaped method and name are read as what they say', () => {
  const message = one(
    '{"jsonrpc":"2.0","id":1,"method":"\\u0074ools/call","params":{"name":"del\\u0065te_all"}}',
  )
  assert.equal(message.method, 'tools/call')
  assert.equal(message.params?.name, 'delete_all')
})

test('an escaped member name of the protocol is that member', () => {
  const message = one('{"jsonrpc":"2.0","id":1,"\\u006dethod":"ping"}')
  assert.equal(message.method, 'ping')
})

test('P-05 a byte order mark is named as what it is', () => {
  const scanned = scan(Buffer.from(`\ufeff${OK}`))
  assert.match(scanned.ok ? '' : scanned.problem.message, /byte order mark/)
})

test('P-10 ids are echoed as their bytes read', () => {
  for (const id of ['"9007199254740993"', '9007199254740991', '-7', '0', '"a\\u0062"', '"ü"']) {
    const message = one(call('{"name":"echo"}', id))
    assert.equal(message.id?.text, id)
    assert.equal(message.id?.value, JSON.parse(id))
  }
})

/** Arguments that make the frame `depth` containers deep. */
function nested(depth: number): string {
  return '['.repeat(depth - 2) + ']'.repeat(depth - 2)
}

test('P-11 64 containers inside each other are read, 65 and 100,000 refused', () => {
  one(withArguments(nested(64)))
  assert.equal(refused(withArguments(nested(65))).code, 'parse_error')
  assert.equal(refused(withArguments(nested(100_000))).code, 'parse_error')
  assert.equal(refused('['.repeat(100_000)).code, 'parse_error')
  assert.equal(refused(withArguments('{"a":'.repeat(100_000))).code, 'parse_error')
})

test('P-12 a batch gives each element with its own span', () => {
  const second = call('{"name":"delete_all"}', '"b"')
  const text = ` [ ${OK} ,\n${second}]`
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok)
  assert.equal(scanned.batch, true)
  const parts = scanned.messages.map(({ span }) => text.slice(span.start, span.end))
  assert.deepEqual(parts, [OK, second])
  assert.deepEqual(
    scanned.messages.map(({ params }) => params?.name),
    ['echo', 'delete_all'],
  )
})

test('a batch of 100 messages is read, one of 101 refused', () => {
  const hundred = Array(100).fill(OK).join(',')
  assert.equal(scan(Buffer.from(`[${hundred}]`)).ok, true)
  assert.equal(refused(`[${hundred},${OK}]`).code, 'invalid_request')
})

test('P-15 floods of values and names and long strings are refused in 100 ms of processor time', () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join(',')
  const floods = [
    '{},'.repeat(1_398_101),
    `[${'{},'.repeat(1_398_100)}{}]`,
    withArguments(`[${'{},'.repeat(1_300_000)}{}]`),
    withArguments(`{${names}}`),
    call(`{"name":"echo",${names}}`),
    withArguments(`{"a":"${'x'.repeat(1_048_576)}"}`),
  ].map((text) => Buffer.from(text))
  for (const flood of floods) {
    const before = process.cpuUsage()
    assert.equal(scan(flood).ok, false)
    const { user, system } = process.cpuUsage(before)
    assert.ok((user + system) / 1_000 <= 100, `${(user + system) / 1_000} ms`)
  }
})

test('the bounds hold to the unit', () => {
  const bounds = { maxDepth: 2, maxNodes: 5, maxStringBytes: 9 }
  const accepts = (text: string) => scan(Buffer.from(text), bounds).ok
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"'
  assert.equal(accepts(`${ping},"params":{}}`), true)
  assert.equal(accepts(`${ping},"params":{"a":1}}`), false)
  assert.equal(accepts(`${ping},"x":{"a":[]}}`), false)
  assert.equal(accepts(`${ping},"x":"1234567"}`), true)
  assert.equal(accepts(`${ping},"x":"12345678"}`), false)
})

test('P-20 a request without id is a notification', () => {
  const message = one('{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete_all"}}')
  assert.equal(message.kind, 'notification')
  assert.equal(message.id, undefined)
})

test('P-21 params may be missing, which the reader of calls must notice', () => {
  assert.equal(one('{"jsonrpc":"2.0","id":1,"method":"tools/call"}').params, undefined)
})

test('P-23 arguments hold any names and texts, and only their span is kept', () => {
  const args =
    '{"name":"x","Name":1,"method":"tools/call","constructor":{"__proto__":null},"text":"delete_all","n\\u0061me2":"\\ud800"}'
  const text = withArguments(args)
  const { params } = one(text)
  assert.equal(params?.name, 'echo')
  assert.equal(text.slice(params?.arguments?.start, params?.arguments?.end), args)
})

test('responses say whether they are a result or an error', () => {
  const result = one('{"jsonrpc":"2.0","id":"a","result":{"method":"x"}}')
  assert.deepEqual([result.kind, result.outcome, result.method], ['response', 'result', ''])
  assert.equal(one('{"jsonrpc":"2.0","id":1,"error":{"code":1}}').outcome, 'error')
})

test('an error response may lack its id or have it null', () => {
  assert.equal(one('{"jsonrpc":"2.0","error":{"code":1}}').id, undefined)
  assert.equal(one('{"jsonrpc":"2.0","id":null,"error":{"code":1}}').id, undefined)
})

test('a Uint8Array that is a window of a larger buffer is read alone', () => {
  const whole = Buffer.from(`xx${OK}yy`)
  const window = new Uint8Array(whole.buffer, whole.byteOffset + 2, whole.length - 4)
  const scanned = scan(window)
  assert.ok(scanned.ok)
  assert.equal(scanned.messages[0]?.params?.name, 'echo')
})
