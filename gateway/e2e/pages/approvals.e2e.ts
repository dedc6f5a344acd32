/** The page of a request in Chromium: without scripts, by keyboard, light and dark, on a phone. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'

import { newApiKey } from '../../identity/api-keys.ts'
import { openContext, startBrowser } from '../../testkit/browser.ts'
import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import { lookAt } from '../../testkit/look.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const lead = newApiKey(randomBytes)
const HOSTILE = '<img src=x onerror=alert(1)>\u202etxt'

let server: RecordingServer
let gateway: TestGatehouse
let browser: Browser

before(async () => {
  server = await startRecordingServer()
  const anybody = { subjects: [{ any: true }], tools: ['docs/delete_all'] }
  const require = { approval: { by: 'group:leads', for: '30m' } }
  const reason = 'What is deleted is gone.'
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [
      { ...anybody, id: 'all', effect: 'allow' },
      { ...anybody, id: 'deletions', effect: 'require', require, reason, disclose: true },
    ],
    config: {
      api_keys: [
        {
          prefix: lead.prefix,
          sha256: lead.sha256,
          subject: 'lena',
          owner: 'tests',
          kind: 'human',
          groups: ['leads'],
        },
      ],
    },
  })
  browser = await startBrowser()
})

after(() => stopAll(browser, gateway, server))

/** Makes the call; what its caller reads. */
async function call(path: string): Promise<string> {
  const token = await gateway.token('docs', { client: 'report-agent' })
  const { json } = await post(gateway.url('docs'), callTool('delete_all', { path }), { token })
  const content = json?.result?.['content'] as readonly { readonly text: string }[] | undefined
  return content?.[0]?.text ?? `${json?.error?.code} ${json?.error?.message}`
}

async function linkFor(path: string): Promise<string> {
  return /https?:\/\/\S+$/.exec(await call(path))?.[0] ?? ''
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Your API key').fill(lead.text)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('a person signs in, reads what is asked in words, approves, and the call ends with the result of the tool', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1024, scripts: false })
  const page = await context.newPage()
  await page.goto(await linkFor('/reports/2025'))
  await signIn(page)
  await page.getByRole('heading', { name: 'Approve this call?' }).waitFor()
  const words = (await page.locator('main').innerText()).replaceAll(/\s+/g, ' ')
  assert.match(
    words,
    /The agent report-agent wants to use the tool delete_all of docs for itself\./,
  )
  assert.match(words, /What is deleted is gone\./)
  assert.match(words, /"path": "\/reports\/2025"/)
  await page.getByRole('button', { name: 'Approve once' }).click()
  await page.getByRole('heading', { name: 'This call was approved' }).waitFor()
  assert.equal(await call('/reports/2025'), 'called delete_all')
  const [cookie] = await context.cookies()
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Lax'])
  await context.close()
})

test('it works by keyboard alone, and a denial is a denial', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1024, scripts: false })
  const page = await context.newPage()
  await page.goto(await linkFor('/by-keyboard'))
  await page.keyboard.press('Tab')
  await page.keyboard.type(lead.text)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Approve this call?' }).waitFor()
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('Tab')
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Deny')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'This call was denied' }).waitFor()
  assert.equal(await call('/by-keyboard'), '1001 A person has denied this call')
  await context.close()
})

test('what a caller sends is shown as text, and what hides or turns it around is shown', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1024, scripts: true })
  const page = await context.newPage()
  const alerts: string[] = []
  page.on('dialog', (dialog) => {
    alerts.push(dialog.message())
    void dialog.dismiss()
  })
  await page.goto(await linkFor(HOSTILE))
  await signIn(page)
  const shown = await page.locator('pre').innerText()
  assert.ok(shown.includes(String.raw`<img src=x onerror=alert(1)>\u202etxt`), shown)
  assert.equal(await page.locator('img').count(), 0)
  assert.deepEqual(alerts, [])
  await context.close()
})

test('no other page can frame it', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1024, scripts: true })
  const page = await context.newPage()
  const refused: string[] = []
  page.on('console', (message) => refused.push(message.text()))
  const link = await linkFor('/framed')
  await page.setContent(`<iframe src="${link}"></iframe>`)
  await eventually(() => assert.match(refused.join('\n'), /frame-ancestors|X-Frame-Options/i))
  await context.close()
})

test('every page is fit for people, in light and dark, on a desk and on a phone', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1024, scripts: true })
  const page = await context.newPage()
  await page.goto(await linkFor(`/looked-at/${'long-name-'.repeat(12)}`))
  await lookAt(page, 'approval-sign-in')
  await page.getByLabel('Your API key').fill('ghk_wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await lookAt(page, 'approval-not-signed-in')
  await signIn(page)
  await page.getByRole('heading', { name: 'Approve this call?' }).waitFor()
  await lookAt(page, 'approval-ask')
  await page.getByLabel(/for a while/).selectOption('15')
  await page.getByRole('button', { name: 'Approve for that long' }).click()
  await page.getByRole('heading', { name: 'This call was approved' }).waitFor()
  await lookAt(page, 'approval-approved')
  await page.goto(`${gateway.origin}/approve/${'A'.repeat(22)}`)
  await lookAt(page, 'approval-over')
  await context.close()
})
