import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'

import { Agent } from 'undici'

import { createAuthority } from '../testkit/certificates.ts'

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

const PATIENCE_MS = 300

/** A site on loopback that stands for one of the public internet, and how often it was asked. */
async function startSite(answer: (response: ServerResponse) => void) {
  const authority = createAuthority('Test CA')
  const asked: string[] = []
  const site = createTlsServer(
    authority.issue('app.example', 'DNS:app.example'),
    (request, response) => {
      asked.push(request.url ?? '')
      answer(response)
    },
  )
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const { port } = site.address() as AddressInfo
  const agent = new Agent({
    connect: (_options, callback) => {
      const to = { host: '127.0.0.1', port, servername: 'app.example', ca: authority.cert }
      const socket = connect(to, () => callback(null, socket))
      socket.once('error', (error) => callback(error, null))
    },
  })
  const stop = async (): Promise<void> => {
    await agent.destroy()
    site.closeAllConnections()
    await new Promise((resolve) => site.close(resolve))
  }
  return { fetch: createPublicFetch({ agent, timeoutMs: PATIENCE_MS }), asked, stop }
}

test('A redirect is not followed: it is an answer like any other', async (t) => {
  const location = 'https://app.example/other'
  const site = await startSite((response) => void response.writeHead(302, { location }).end('{}'))
  t.after(site.stop)
  assert.equal((await site.fetch('https://app.example/c')).status, 302)
  assert.deepEqual(site.asked, ['/c'])
})

const ENDLESS: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['is a byte longer than 5 KiB', (response) => void response.end('x'.repeat(5_121))],
  [
    'announces a gigabyte',
    (response) => {
      response.writeHead(200, { 'content-length': 2 ** 30 })
      const feed = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => clearInterval(feed))
    },
  ],
  [
    'drips',
    (response) => {
      const feed = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(feed))
    },
  ],
  ['never begins', () => undefined],
]

for (const [what, answer] of ENDLESS) {
  test(`A document that ${what} is given up in time`, async (t) => {
    const site = await startSite(answer)
    t.after(site.stop)
    const since = performance.now()
    await assert.rejects(site.fetch('https://app.example/c'), /cannot be had/)
    assert.ok(performance.now() - since < 10 * PATIENCE_MS)
  })
}

test('A document of 5 KiB is had', async (t) => {
  const site = await startSite((response) => void response.end('x'.repeat(5_120)))
  t.after(site.stop)
  assert.equal((await (await site.fetch('https://app.example/c')).text()).length, 5_120)
})
