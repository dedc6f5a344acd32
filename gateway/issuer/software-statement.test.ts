/** Whose software statements are believed (RFC 7591 §2.3), and what comes of them: where codes go above all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createKeyDocuments } from '../identity/key-documents.ts'
import type { RegistrationRules, StatementIssuer } from '../model/authorization-rules.ts'
import { createClients } from '../registry/clients.ts'
import { openRegistration } from '../testkit/assertions.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { createSigner } from '../testkit/signer.ts'
import type { Signer } from '../testkit/signer.ts'
import { createAssertionKeys } from './assertion-keys.ts'
import { judgeRegistration, judgeUpdate } from './registration.ts'
import type { Setup } from './setup.ts'
import { readStatement } from './software-statement.ts'

const ISSUER = 'https://gw.example'
const VENDOR = 'https://vendor.example'
const CALLBACK = 'https://app.example/callback'
const [vendor, stranger] = await Promise.all([createSigner(), createSigner()])

const VOUCHED: StatementIssuer = {
  name: 'vendor',
  issuer: VENDOR,
  jwks: { kind: 'inline', keys: [{ ...vendor.jwk }] },
  algorithms: ['ES256'],
  kind: 'human',
  grants: ['authorization_code'],
  scopes: ['docs:read'],
  servers: undefined,
  groups: [],
}

const SOFTWARE = {
  iss: VENDOR,
  software_id: 'app-1',
  client_name: 'App',
  redirect_uris: [CALLBACK],
}

type Changes = Readonly<Record<string, unknown>>

const state = (claims: Changes = {}, header: Changes = {}, signer: Signer = vendor) =>
  signer.sign({ ...SOFTWARE, ...claims }, { typ: undefined, ...header })

function setUp(rules: Partial<RegistrationRules> = {}) {
  const { store, now } = memoryStore()
  const setup = {
    issuer: ISSUER,
    signIn: new Map(),
    workloads: new Map(),
    clients: new Map(),
    documents: { mode: 'off', hosts: [], humanHosts: [] },
    registration: openRegistration({
      perMinute: 100,
      statements: new Map([['vendor', VOUCHED]]),
      ...rules,
    }),
  } as unknown as Setup
  const fetchJson = () => Promise.reject(new Error('no network'))
  const keys = createAssertionKeys({
    fetchKeys: createKeyDocuments({ fetchJson, now }),
    readFile: () => Promise.reject(new Error('no files')),
    now,
    emit: () => {},
  })
  keys.configure(setup)
  const nowSeconds = now() / 1_000
  const book = createClients({ store, now })
  const options = {
    setup: () => setup,
    book,
    store,
    now,
    readStatement: (text: unknown) => readStatement(text, { setup, keys, nowSeconds }),
  }
  const register = async (body: object) => {
    const address = '192.0.2.1'
    const sent = { authorization: undefined, body: JSON.stringify(body), address }
    const judged = await judgeRegistration(sent, options)
    return judged.ok
      ? { ...judged.newcomer, metadata: JSON.parse(judged.body) as Record<string, unknown> }
      : judged.error
  }
  return { options, register, book, nowSeconds }
}

test('A statement that nobody trusted has signed is refused, and does not count as none', async () => {
  const { register, nowSeconds } = setUp()
  const wrong: readonly (readonly [unknown, string])[] = [
    ['no statement', 'invalid_software_statement'],
    [7, 'invalid_software_statement'],
    [{ software_id: 'app-1' }, 'invalid_software_statement'],
    [await state({}, {}, stranger), 'invalid_software_statement'],
    [await state({}, { alg: 'ES256', kid: 'other' }), 'invalid_software_statement'],
    [await state({ iss: 'https://other.example' }), 'unapproved_software_statement'],
    [await state({ iss: undefined }), 'unapproved_software_statement'],
    [await state({ software_id: undefined }), 'invalid_software_statement'],
    [await state({}, { typ: 'at+jwt' }), 'invalid_software_statement'],
    [await state({ aud: 'https://other.example' }), 'invalid_software_statement'],
    [await state({ exp: nowSeconds - 31 }), 'invalid_software_statement'],
    [await state({ exp: 'never' }), 'invalid_software_statement'],
    [await state({ nbf: nowSeconds + 31 }), 'invalid_software_statement'],
  ]
  for (const [statement, error] of wrong) {
    const body = { redirect_uris: [CALLBACK], software_statement: statement }
    assert.equal(await register(body), error, JSON.stringify(statement))
  }
})

test('Whoever shows a copy of a statement cannot have codes sent anywhere else', async () => {
  const { register } = setUp()
  const thief = ['https://thief.example/callback']
  const copied = await register({ redirect_uris: thief, software_statement: await state() })
  assert.ok(typeof copied !== 'string')
  assert.deepEqual(copied.metadata['redirect_uris'], [CALLBACK])
  const silent = await state({ redirect_uris: undefined })
  const unfixed = await register({ redirect_uris: thief, software_statement: silent })
  assert.equal(unfixed, 'invalid_redirect_uri')
  const { register: listed } = setUp({ redirectHosts: ['elsewhere.example'] })
  assert.equal(await listed({ software_statement: await state() }), 'invalid_redirect_uri')
})

test('What the statement says comes before what the client says, and it is what the operator says', async () => {
  const { register } = setUp()
  const text = await state({ exp: 4_000_000_000, aud: [ISSUER] })
  const asked = { client_name: 'Bank', kind: 'service', grant_types: ['client_credentials'] }
  assert.equal(await register({ ...asked, software_statement: text }), 'invalid_client_metadata')
  const got = await register({ client_name: 'Bank', software_statement: text })
  assert.ok(typeof got !== 'string')
  assert.deepEqual([got.kind, got.statement, got.token], ['human', 'vendor', undefined])
  assert.equal(got.metadata['client_name'], 'App')
  assert.equal(got.metadata['software_statement'], text, 'RFC 7591 §3.2.1')
})

test('Without a statement a client is an agent like any other, where one is not required', async () => {
  const { register } = setUp()
  const plain = await register({ redirect_uris: [CALLBACK] })
  assert.ok(typeof plain !== 'string')
  assert.deepEqual([plain.kind, plain.statement], ['agent', undefined])
  const { register: strict } = setUp({ mode: 'statement' })
  assert.equal(await strict({ redirect_uris: [CALLBACK] }), 'invalid_software_statement')
  assert.equal(typeof (await strict({ software_statement: await state() })), 'object')
  const { register: ignorant } = setUp({ statements: new Map() })
  const ignored = await ignorant({ redirect_uris: [CALLBACK], software_statement: await state() })
  assert.ok(typeof ignored !== 'string')
  assert.deepEqual([ignored.kind, ignored.statement], ['agent', undefined])
})

test('A client that was vouched for changes nothing without a statement of the same issuer', async () => {
  const { options, book } = setUp()
  const kept = {
    name: 'App',
    kind: 'human',
    token: undefined,
    address: 'a',
    idleMs: 60_000,
  } as const
  const times = { registeredAtMs: 0, usedAtMs: options.now(), rows: [] }
  await book.add({ id: 'c_1', ...kept, ...times, statement: 'vendor' })
  const change = async (body: object) => {
    const judged = await judgeUpdate({ id: 'c_1', body: JSON.stringify(body) }, options)
    return judged.ok ? (JSON.parse(judged.body) as Record<string, unknown>) : judged.error
  }
  const thief = { client_id: 'c_1', redirect_uris: ['https://thief.example/callback'] }
  assert.equal(await change(thief), 'invalid_software_statement')
  assert.equal(await change({ ...thief, software_statement: 'x' }), 'invalid_software_statement')
  const changed = await change({ ...thief, software_statement: await state() })
  assert.ok(typeof changed !== 'string')
  assert.deepEqual(changed['redirect_uris'], [CALLBACK])
  const { options: later } = setUp({ statements: new Map() })
  const gone = { ...later, book: options.book }
  const judged = await judgeUpdate({ id: 'c_1', body: JSON.stringify(thief) }, gone)
  assert.equal(!judged.ok && judged.error, 'invalid_token', 'nobody vouches for it any more')
})
