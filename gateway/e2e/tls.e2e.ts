/**
 * TLS both ways, with certificates of throw-away authorities: who may connect, whom the gateway
 * connects to, and certificates that change under load.
 */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'

import type { Authority, KeyPair } from '../testkit/certificates.ts'
import { createAuthority } from '../testkit/certificates.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import { exchangeRaw } from '../testkit/raw-http.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ROTATIONS = 3
const WORKERS = 6

/** The authorities of clients and front, of the servers inside, and one nobody here trusts. */
let outside: Authority
let inside: Authority
let stranger: Authority

/** `docs` demands a certificate of the gateway; `other` is of the authority nobody trusts. */
let docs: RecordingServer
let other: RecordingServer
let gateway: TestGatehouse

before(async () => {
  outside = createAuthority('outside')
  inside = createAuthority('inside')
  stranger = createAuthority('stranger')
  docs = await startRecordingServer(undefined, {
    ...inside.issue('docs'),
    ca: inside.cert,
    requestCert: true,
    rejectUnauthorized: true,
  })
  other = await startRecordingServer(undefined, stranger.issue('other'))
  const mutual = { ca: 'inside.crt', cert: 'up.crt', key: 'up.key' }
  const servers = {
    docs: { url: docs.url, tls: mutual },
    'without-certificate': { url: docs.url, tls: { ca: 'inside.crt' } },
    'strange-certificate': {
      url: docs.url,
      tls: { ca: 'inside.crt', cert: 'strange.crt', key: 'strange.key' },
    },
    'other-name': { url: docs.url, tls: { ...mutual, server_name: 'docs.elsewhere' } },
    'wrong-authority': { url: other.url, tls: { ca: 'inside.crt' } },
    'system-authorities': { url: other.url },
  }
  const entries = Object.entries(servers).map(([name, upstream]): [string, unknown] => [
    name,
    { upstream, unlisted: 'allow' },
  ])
  const [front, up, strange] = [outside.issue('front'), inside.issue('up'), stranger.issue('up')]
  gateway = await startGatehouse({
    servers: Object.fromEntries(entries) as Record<string, Record<string, unknown>>,
    rules: Object.keys(servers).map(allowAll),
    config: ({ port }) => ({
      public_url: `https://127.0.0.1:${port}`,
      listen: { port, tls: { cert: 'front.crt', key: 'front.key' } },
    }),
    files: {
      ...pemFiles('front', front),
      ...pemFiles('up', up),
      ...pemFiles('strange', strange),
      'inside.crt': inside.cert,
    },
  })
})

after(() => stopAll(gateway, docs, other))

function pemFiles(name: string, { cert, key }: KeyPair): Record<string, string> {
  return { [`${name}.crt`]: cert, [`${name}.key`]: key }
}

type Answered = {
  readonly status: number
  readonly json: { readonly result?: unknown; readonly error?: { readonly code: number } }
  /** What the gateway showed on this connection. */
  readonly certificate: X509Certificate
  readonly protocol: string | null
}

/** Calls a tool over TLS; on a connection of its own unless an agent is given. */
async function call(
  options: RequestOptions & {
    readonly server?: string
    readonly at?: TestGatehouse
    /** Thumbprint of the certificate its token is bound to. */
    readonly boundTo?: string
  } = {},
): Promise<Answered> {
  const { server = 'docs', at = gateway, boundTo, ...tls } = options
  const claims = boundTo === undefined ? {} : { cnf: { 'x5t#S256': boundTo } }
  const token = await at.token(server, { claims })
  return await new Promise((resolve, reject) => {
    const sent = request(at.url(server), {
      method: 'POST',
      ca: outside.cert,
      agent: false,
      ...tls,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const socket = response.socket as TLSSocket
      const certificate = new X509Certificate(socket.getPeerCertificate().raw)
      const protocol = socket.getProtocol()
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const status = response.statusCode ?? 0
        resolve({ status, json: JSON.parse(text) as Answered['json'], certificate, protocol })
      })
    })
    sent.end(JSON.stringify(callTool('echo')))
  })
}

test('a client that trusts the authority is served, over TLS to the server too', async () => {
  const { status, json, protocol } = await call()
  assert.equal(status, 200)
  assert.ok(json.result, JSON.stringify(json))
  assert.equal(protocol, 'TLSv1.3')
  assert.equal((await call({ maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2')
  assert.equal(docs.calls('tools/call').length, 2)
})

test('TLS before 1.2, plain HTTP and HTTP/2 are not spoken', async () => {
  const seen = docs.seen.length
  const old: RequestOptions = {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  }
  await assert.rejects(call(old), /alert protocol version/)
  const socket = connect({ port: Number(new URL(gateway.origin).port), ALPNProtocols: ['h2'] })
  await assert.rejects(once(socket, 'secureConnect'), /no application protocol/)
  const plain = gateway.origin.replace('https:', 'http:')
  const { reply, closed } = await exchangeRaw(plain, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', {
    closed: true,
  })
  assert.deepEqual([reply.status, closed], [0, true])
  assert.equal(docs.seen.length, seen)
})

test('a client that trusts another authority does not trust the gateway', async () => {
  await assert.rejects(call({ ca: inside.cert }), /certificate/)
})

const REFUSED = [
  ['a server of an authority that is not the configured one', 'wrong-authority'],
  ['a server of an authority that the system does not know', 'system-authorities'],
  ['a server whose certificate is for another name', 'other-name'],
  ['a server that demands a certificate and gets none', 'without-certificate'],
  ['a server that demands a certificate and gets one of a stranger', 'strange-certificate'],
] as const

for (const [what, name] of REFUSED) {
  test(`${what} sees no request, and the caller is told that it is not available`, async () => {
    const seen = docs.seen.length
    const { status, json } = await call({ server: name })
    assert.equal(status, 200)
    assert.equal(json.error?.code, 1003)
    assert.equal(docs.seen.length, seen)
    assert.equal(other.seen.length, 0)
    const outcome = await eventually(async () => {
      const found = (await gateway.audit()).find(
        ({ type, server }) => type === 'outcome' && server === name,
      )
      assert.ok(found)
      return found
    })
    assert.equal(outcome['refusal'], 'upstream_unavailable')
    assert.ok(outcome['detail'], 'nobody would know why')
  })
}

test('with a client authority only clients with its certificate are served', async () => {
  const strict = await startGatehouse({
    servers: { docs: { upstream: other.url, unlisted: 'allow' } },
    rules: [],
    config: ({ port }) => ({
      public_url: `https://127.0.0.1:${port}`,
      listen: { port, tls: { cert: 'front.crt', key: 'front.key', client_ca: 'clients.crt' } },
    }),
    files: { ...pemFiles('front', outside.issue('front')), 'clients.crt': outside.cert },
  })
  try {
    await assert.rejects(call({ at: strict }))
    await assert.rejects(call({ at: strict, ...stranger.issue('client') }))
    // Served means answered: no policy lets it do anything.
    const [client, other] = [outside.issue('client'), outside.issue('client')]
    const { json } = await call({ at: strict, ...client })
    assert.ok(json.error)
    const boundTo = thumbprintOf(client)
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ...client })
    for (let at = 0; at < 2; at++) {
      assert.equal((await call({ at: strict, boundTo, agent })).status, 200)
    }
    agent.destroy()
    assert.equal((await call({ at: strict, boundTo, ...client })).status, 200, 'a new connection')
    assert.equal((await call({ at: strict, boundTo, ...other })).status, 401)
    assert.equal((await call({ boundTo })).status, 401, 'nobody asks for certificates there')
  } finally {
    await strict.stop()
  }
})

/** As `cnf` names a certificate (RFC 8705 §3.1). */
function thumbprintOf({ cert }: KeyPair): string {
  return createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
}

/** A certificate and its key are there together, as they are where somebody renews them with care. */
const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
  const paths = Object.keys(files).map((name) => join(gateway.directory, name))
  await Promise.all(Object.values(files).map((text, at) => writeFile(`${paths[at]}.new`, text)))
  for (const path of paths) renameSync(`${path}.new`, path)
}

test(`${ROTATIONS} new certificates under load, for clients and for servers, fail no call`, async (t) => {
  const load = new AbortController()
  t.after(() => load.abort())
  const presented = new Set<unknown>()
  docs.override = (_, { req }) => {
    presented.add((req.socket as TLSSocket).getPeerCertificate().subject.CN)
    return false
  }
  const failed: string[] = []
  let served = 0
  const work = async (agent: Agent | false): Promise<void> => {
    while (!load.signal.aborted) {
      const answered = await call({ agent }).catch(String)
      if (typeof answered !== 'string' && answered.json.result !== undefined) served += 1
      else failed.push(JSON.stringify(answered))
    }
  }
  // Some keep their connections and with them the certificate they saw, others come anew each time.
  const workers = Array.from({ length: WORKERS }, (_, at) =>
    work(at % 2 === 0 ? new Agent({ keepAlive: true, ca: outside.cert }) : false),
  )
  for (let round = 0; round < ROTATIONS; round++) {
    const front = outside.issue(`front-${round}`)
    await write({ ...pemFiles('front', front), ...pemFiles('up', inside.issue(`up-${round}`)) })
    await eventually(async () => {
      assert.equal((await call()).certificate.subject, `CN=front-${round}`)
      assert.ok(presented.has(`up-${round}`))
    })
  }
  await eventually(() => assert.ok(served > ROTATIONS * WORKERS, `only ${served} calls`))
  load.abort()
  await Promise.all(workers)
  assert.deepEqual(failed, [])
})

test('a certificate and a key that do not belong together change nothing, and that is told', async () => {
  const before = (await call()).certificate.fingerprint256
  await write({ 'front.key': outside.issue('front').key })
  await eventually(async () => {
    const { checks } = (await gateway.ready()).json as { checks: { config: { state: string } } }
    assert.equal(checks.config.state, 'warn')
  })
  assert.equal((await call()).certificate.fingerprint256, before)
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})
