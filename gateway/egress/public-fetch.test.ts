import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'

import { createPublicFetch } from './public-fetch.ts'
import type { Resolve } from './public-only.ts'
import { isPublicAddress } from './special-addresses.ts'

test('No special address counts as public, in none of its spellings', () => {
  const special = [
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '2002:7f00:1::',
    '2001::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fd00:ec2::254',
    'ff02::1',
    '100::1',
    'not an address',
    '',
  ]
  for (const address of special) assert.equal(isPublicAddress(address), false, address)
  for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450::1']) {
    assert.equal(isPublicAddress(address), true, address)
  }
})

/** A resolver with one answer for each time it is asked, the last for ever. */
function resolver(...answers: readonly (readonly string[])[]) {
  const asked: string[] = []
  const resolve: Resolve = (hostname, _options, callback) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    callback(
      null,
      answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return { resolve, asked }
}

test('What a stranger names is asked for over https on its own port, and never by a special address', async () => {
  const { resolve, asked } = resolver(['127.0.0.1'])
  const fetch = createPublicFetch({ resolve })
  const wrong = [
    'http://app.example/c',
    'https://app.example:8443/c',
    'https://u:p@app.example/c',
    'https://127.0.0.1/c',
    'https://[::1]/c',
    'https://[::ffff:127.0.0.1]/c',
    'https://2130706433/c',
    'https://0x7f.1/c',
    'https://169.254.169.254/latest',
    'file:///etc/passwd',
    'nothing',
  ]
  for (const url of wrong) await assert.rejects(fetch(url), /cannot be had/, url)
  assert.deepEqual(asked, [])
  await fetch.close()
})

test('A name with one special address among its addresses is not dialled, and nobody is told why', async () => {
  for (const answer of [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], ['::ffff:127.0.0.1'], []]) {
    const { resolve, asked } = resolver(answer)
    const fetch = createPublicFetch({ resolve })
    await assert.rejects(fetch('https://app.example/c'), { message: 'the document cannot be had' })
    assert.deepEqual(asked, ['app.example'])
    await fetch.close()
  }
})

test('Not one packet goes to a special address that a name stands for', async (t) => {
  let connections = 0
  const server = createServer(() => (connections += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { resolve } = resolver(['127.0.0.1'])
  const fetch = createPublicFetch({ resolve })
  await Promise.allSettled(Array.from({ length: 20 }, (_, at) => fetch(`https://a${at}.example/`)))
  assert.equal(connections, 0)
  await fetch.close()
})
