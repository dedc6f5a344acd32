/** Tokens bound to a key of the client (DPoP, RFC 9449), through a real gateway. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { ProofChanges, Prover } from '../testkit/prover.ts'
import { createProver } from '../testkit/prover.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse
let prover: Prover
let token: string

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [{ id: 'all', effect: 'allow', subjects: [{ any: true }], tools: ['docs/*'] }],
  })
  prover = await createProver()
  token = await gateway.token('docs', { claims: { cnf: { jkt: prover.thumbprint } } })
})

after(() => stopAll(gateway, server))

function proof(changes?: ProofChanges): Promise<string> {
  const url = gateway.url('docs')
  return prover.prove({ token, httpMethod: 'POST', url, nowSeconds: Date.now() / 1_000 }, changes)
}

function call(headers: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(gateway.url('docs'), {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(callTool('echo')),
  })
}

test('a bound token is served with its proofs and nothing else', async () => {
  for (let round = 0; round < 2; round += 1) {
    const answer = await call({ authorization: `DPoP ${token}`, dpop: await proof() })
    assert.equal(answer.status, 200, await answer.text())
  }
  const { headers } = server.seen.at(-1)!
  assert.equal(headers['dpop'], undefined)
  assert.equal(headers.authorization, undefined)
  const before = server.seen.length
  const used = await proof()
  assert.equal((await call({ authorization: `DPoP ${token}`, dpop: used })).status, 200)
  for (const presented of [
    { authorization: `DPoP ${token}`, dpop: used },
    { authorization: `DPoP ${token}` },
    { authorization: `DPoP ${token}`, dpop: await proof({ claims: { htu: gateway.origin } }) },
    { authorization: `DPoP ${await gateway.token('docs')}`, dpop: await proof() },
  ]) {
    const answer = await call(presented)
    assert.equal(answer.status, 401)
    assert.match(
      answer.headers.get('www-authenticate') ?? '',
      /^DPoP error="invalid_dpop_proof".*algs="ES256 /,
    )
  }
  const bearer = await call({ authorization: `Bearer ${token}`, dpop: await proof() })
  assert.equal(bearer.status, 401)
  assert.match(bearer.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
  assert.equal(server.seen.length, before + 1)
})

test('two proofs in one request are refused', async () => {
  const before = server.seen.length
  const answer = await call({
    authorization: `DPoP ${token}`,
    dpop: `${await proof()}, ${await proof()}`,
  })
  assert.equal(answer.status, 401)
  assert.equal(server.seen.length, before)
})

test('the metadata of a server names the algorithms of proofs', async () => {
  const { pathname } = new URL(gateway.url('docs'))
  const document = await fetch(`${gateway.origin}/.well-known/oauth-protected-resource${pathname}`)
  const metadata = (await document.json()) as Readonly<Record<string, unknown>>
  assert.ok((metadata['dpop_signing_alg_values_supported'] as readonly string[]).includes('ES256'))
})
