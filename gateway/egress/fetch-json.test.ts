/** What needs no socket; the rest is in `e2e/fetch-json.e2e.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFetchJson, FetchError, isFetchable } from './fetch-json.ts'

const may = (url: string, plainOrigins?: readonly string[]) =>
  isFetchable(new URL(url), plainOrigins)

test('https and plain http to this machine may be fetched', () => {
  for (const url of [
    'https://issuer.example/jwks',
    'https://10.0.0.1:8443/jwks?a=b',
    'http://127.0.0.1:8080/jwks',
    'http://127.8.9.10/jwks',
    'http://[::1]/jwks',
    'http://localhost:3000/jwks',
  ]) {
    assert.ok(may(url), url)
  }
})

test('plain http elsewhere, other schemes and passwords may not', () => {
  for (const url of [
    'http://issuer.example/jwks',
    'http://127.0.0.1.issuer.example/',
    'http://localhost.issuer.example/',
    'http://[::ffff:10.0.0.1]/',
    'https://user@issuer.example/',
    'https://:secret@issuer.example/',
    'http://user:secret@127.0.0.1/',
    'ftp://127.0.0.1/',
    'file:///etc/hostname',
    'data:application/json,{}',
  ]) {
    assert.ok(!may(url), url)
  }
})

test('plain http may be fetched from exactly the origin the operator allowed', () => {
  const allowed = ['http://issuer.example']
  assert.ok(may('http://issuer.example/jwks', allowed))
  assert.ok(!may('http://issuer.example:8080/jwks', allowed))
  assert.ok(!may('http://other.example/jwks', allowed))
  assert.ok(!may('http://user:secret@issuer.example/', allowed))
})

test('what is no URL is a problem like any other', async () => {
  const fetchJson = createFetchJson()
  await assert.rejects(
    fetchJson('jwks.json'),
    (error) => error instanceof FetchError && error.code === 'bad_url',
  )
  await fetchJson.close()
})

test('a password in a URL is not repeated in the problem', async () => {
  const fetchJson = createFetchJson()
  const failed: unknown = await fetchJson('https://user:hunter2@127.0.0.1/').catch(
    (e: unknown) => e,
  )
  assert.ok(failed instanceof FetchError)
  assert.doesNotMatch(failed.message, /hunter2/)
  await fetchJson.close()
})
