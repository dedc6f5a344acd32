import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const env = { HOOK_TOKEN: 'k7J2mQ9x-hook', HOOK_URL: 'https://hooks.test/T0/k7J2mQ9x' }

function config(notification: string): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
notifications: { security: { ${notification} } }
servers:
  docs: { upstream: 'https://docs.test/mcp', anonymous: true }
`
}

test('a notification has a URL, a timeout and headers whose secrets are resolved', async () => {
  const text = config(
    "url: 'https://hooks.test/a', headers: { authorization: 'Bearer ${env:HOOK_TOKEN}' }",
  )
  const { notifications } = await settingsOf(text, { env })
  const found = notifications.get('security')
  assert.deepEqual([found?.name, found?.timeoutMs], ['security', 5_000])
  assert.equal(found?.url.reveal(), 'https://hooks.test/a')
  assert.equal(found?.headers.get('authorization')?.reveal(), `Bearer ${env.HOOK_TOKEN}`)
})

test('an address that is a secret comes from where secrets come from, and is never shown', async () => {
  const { notifications } = await settingsOf(config("url: '${env:HOOK_URL}'"), { env })
  const found = notifications.get('security')
  assert.equal(found?.url.reveal(), env.HOOK_URL)
  assert.ok(!JSON.stringify([found]).includes('hooks.test'))
})

test('what would be overheard, leak a secret or wait too long is refused with its place', async () => {
  for (const [notification, says] of [
    ["url: 'http://hooks.test/a'", /^4:\d+ notifications\.security\.url: .*use https:/],
    ["url: 'ftp://hooks.test/a'", /^4:\d+ notifications\.security\.url: must begin with https/],
    ['headers: {}', /^4:\d+ .*url/],
    ["url: 'https://a.test/', headers: { x-api-key: abc }", /x-api-key: a secret must not stand/],
    ["url: 'https://a.test/', timeout: 10ms", /timeout: must be between 100ms and 30s/],
    ["url: 'https://a.test/', timeout: 31s", /timeout: must be between 100ms and 30s/],
    ["url: '${env:NOT_SET}'", /NOT_SET is not set/],
    ["url: 'https://a.test/', retries: 9", /unknown key "retries"/],
  ] as const) {
    assert.match((await problemsOf(config(notification), { env })).join('\n'), says, notification)
  }
  assert.deepEqual(await problemsOf(config("url: 'http://127.0.0.1:9/a'")), [])
})
