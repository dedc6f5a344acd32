/** Tokens bound to a certificate of the client (RFC 8705 §3): worth nothing on another connection. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testIdentity, trustedIssuer } from '../testkit/identity.ts'
import { createProver } from '../testkit/prover.ts'
import { createSigner } from '../testkit/signer.ts'

const OWN = 'thumbprint-of-the-certificate-of-the-client'

const signer = await createSigner()

async function setUp(cnf: unknown = { 'x5t#S256': OWN }) {
  const { ask, claims, world } = testIdentity({ issuers: [trustedIssuer([signer])] })
  const token = await signer.sign(claims({ cnf }))
  const present = async (certificate: string | undefined, scheme = 'Bearer', dpop?: string) => {
    const shown = await ask({ authorization: `${scheme} ${token}`, certificate, dpop })
    return typeof shown === 'string' ? shown : shown.subject
  }
  return { token, present, world }
}

test('a token bound to a certificate is refused without it, with another one, new and known', async () => {
  const { present } = await setUp()
  for (const certificate of [undefined, '', 'another', OWN.toUpperCase()]) {
    assert.equal(await present(certificate), 'invalid_token: unproven')
  }
  assert.equal(await present(OWN), 'alice')
  assert.equal(await present(OWN), 'alice')
  for (const certificate of [undefined, 'another']) {
    assert.equal(await present(certificate), 'invalid_token: unproven', 'known by now')
  }
})

test('a certificate proves no key, and a proof no certificate', async () => {
  const prover = await createProver()
  const keyed = await setUp({ jkt: OWN })
  assert.equal(await keyed.present(OWN), 'invalid_token: unproven')
  const { present, token, world } = await setUp({ 'x5t#S256': prover.thumbprint })
  const proof = await prover.prove({
    token,
    httpMethod: 'POST',
    url: 'https://gw.example/mcp/db',
    nowSeconds: world.nowMs / 1_000,
  })
  assert.equal(await present(undefined, 'DPoP', proof), 'bad_proof: bad_proof')
  assert.equal(await present(prover.thumbprint, 'DPoP', proof), 'bad_proof: bad_proof')
})

test('a token bound to both, or to something else besides, is refused whatever is shown', async () => {
  for (const cnf of [
    { 'x5t#S256': OWN, jkt: OWN },
    { 'x5t#S256': OWN, x5t: 'x' },
    { x5t: OWN },
    { 'x5t#s256': OWN },
  ]) {
    const { present } = await setUp(cnf)
    assert.equal(await present(OWN), 'invalid_token: bad_claim')
  }
})

test('a token that is bound to nothing is served on any connection', async () => {
  const { ask, claims } = testIdentity({ issuers: [trustedIssuer([signer])] })
  const authorization = `Bearer ${await signer.sign(claims())}`
  for (const certificate of [undefined, OWN]) {
    assert.notEqual(typeof (await ask({ authorization, certificate })), 'string')
  }
})
