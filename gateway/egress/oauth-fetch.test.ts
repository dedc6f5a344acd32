import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createOAuthFetch } from './oauth-fetch.ts'
import type { Resolve } from './public-only.ts'

const GET = { method: 'GET', headers: {} }

/** Says that every name is at this address, and notes which were asked for. */
function resolver(address: string) {
  const asked: string[] = []
  const resolve: Resolve = (hostname, _options, callback) => {
    asked.push(hostname)
    callback(null, [{ address, family: 4 }])
  }
  return { asked, resolve }
}

test('What a server told of itself is reached by https on its own port, and never by a special address', async () => {
  const { asked, resolve } = resolver('127.0.0.1')
  const fetch = createOAuthFetch({ reach: 'public', resolve })
  for (const url of [
    'http://login.example/token',
    'http://127.0.0.1/token',
    'https://login.example:8443/token',
    'https://127.0.0.1/token',
    'https://[::ffff:10.0.0.1]/token',
    'https://169.254.169.254/latest',
    'https://user:pass@login.example/token',
  ]) {
    await assert.rejects(fetch(url, GET), /must be https on its own port, on the public internet/)
  }
  assert.deepEqual(asked, [])
  await fetch.close()
})

test('A name that stands for a special address is looked up, and not dialled', async () => {
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254']) {
    const { asked, resolve } = resolver(address)
    const fetch = createOAuthFetch({ reach: 'public', resolve })
    const failed = fetch('https://login.example/token', GET)
    await assert.rejects(failed, (error: Error) => {
      return /not on the public internet/.test(String(error.cause))
    })
    assert.deepEqual(asked, ['login.example'])
    await fetch.close()
  }
})

test('What an operator configured may be in the clear on this machine alone', async () => {
  const fetch = createOAuthFetch()
  await assert.rejects(fetch('http://login.example/token', GET), /must be https, or loopback/)
  await fetch.close()
})
