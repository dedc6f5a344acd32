import assert from 'node:assert/strict'
import { test } from 'node:test'

import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const BASE = `version: 1
public_url: https://gw.example
servers: { docs: { upstream: https://docs.example/mcp } }
issuers: [{ issuer: https://idp.example, jwks: { url: https://idp.example/keys } }]
policies: [policy.yaml]
`
const ENV = { BAO: 'a-token-of-the-service' }

const TRANSIT = `${BASE}keys:
  transit:
    url: https://bao.internal:8200/
    key: gatehouse
    token: \${env:BAO}
`

test('A key service is read with its defaults, beside the ring of the environment', async () => {
  const { keys, transit } = await settingsOf(TRANSIT, { env: ENV })
  assert.equal(keys.length, 1)
  const { token, ...rest } = transit ?? { token: undefined }
  assert.equal(token?.reveal(), ENV.BAO)
  assert.deepEqual(rest, {
    url: 'https://bao.internal:8200',
    mount: 'transit',
    name: 'gatehouse',
    namespace: undefined,
    derived: false,
    ca: undefined,
    cacheMs: 300_000,
    retiring: false,
  })
  assert.equal((await settingsOf(BASE)).transit, undefined)
})

for (const [what, line, problem] of [
  ['plain HTTP', 'url: http://bao.internal:8200', /travel unencrypted; use https/],
  ['a token in the file', 'token: s.123456', /must not stand in the configuration file/],
  ['a cache without end', 'cache: 2h', /must be at most 1h/],
  ['a mount that leads elsewhere', 'mount: ../sys', /must be a path of letters/],
  ['a key that leads elsewhere', 'key: a/../b', /must be letters, digits/],
] as const) {
  test(`${what} is refused where it stands`, async () => {
    const name = line.split(':')[0] ?? ''
    const kept = TRANSIT.split('\n').filter(
      (one) => !one.trim().startsWith(`${name}:`) || !one.startsWith('    '),
    )
    const problems = await problemsOf(`${kept.join('\n')}    ${line}\n`, { env: ENV })
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.match(problems[0] ?? '', /^\d+:\d+ /)
    assert.match(problems[0] ?? '', problem)
  })
}
