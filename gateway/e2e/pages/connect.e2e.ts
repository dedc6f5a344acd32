/** Connecting accounts in Chromium: without scripts and by keyboard, and fit for people in light and dark, on a phone. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'

import { openContext, seriousFaults, startBrowser } from '../../testkit/browser.ts'
import { OauthAgent } from '../../testkit/oauth-agent.ts'
import type { Office, Person } from '../../testkit/office.ts'
import { PASSWORD, startOffice } from '../../testkit/office.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** Pictures of every page, to be looked at. */
const PICTURES = '.cache/pages'

let office: Office
let browser: Browser

before(async () => {
  mkdirSync(PICTURES, { recursive: true })
  office = await startOffice()
  browser = await startBrowser()
})

after(() => stopAll(browser, office))

/** Signs in where an agent has sent the person; stops at the decision. */
async function begin(page: Page, name: Person): Promise<void> {
  const { gateway } = office
  const agent = new OauthAgent(gateway.origin)
  const { json } = await agent.register({ client_name: 'Report Agent' })
  await page.goto(agent.authorizeUrl(json.client_id, { resource: gateway.url('office') }))
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Allow', exact: true }).waitFor()
}

const heading = (page: Page, name: RegExp | string) =>
  page.getByRole('heading', { name, level: 1 }).waitFor()

test('A person connects in the same visit, by keyboard alone and without scripts', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: false })
  const page = await context.newPage()
  await begin(page, 'bob')
  await page.getByRole('button', { name: 'Allow', exact: true }).press('Enter')
  await heading(page, 'Connect your Google account')
  await page.getByRole('button', { name: 'Continue to Google' }).press('Enter')
  // The page of the provider, which is not ours.
  await page.locator('form', { hasText: 'bob@example.com' }).getByRole('button').first().click()
  await heading(page, 'Connect your Slack account')
  await page.getByRole('link', { name: 'Not now' }).press('Enter')
  // Nobody listens where the code is sent.
  await page.waitForURL(/^chrome-error:/)
  await page.goto(`${office.gateway.origin}/connect`)
  await heading(page, 'Accounts that servers may use for you')
  await page.getByRole('button', { name: 'Disconnect Google' }).press('Enter')
  await page.getByRole('button', { name: 'Disconnect Google' }).waitFor({ state: 'detached' })
  await context.close()
})

for (const [scheme, width, person] of [
  ['light', 1_000, 'alice'],
  ['dark', 375, 'bob'],
] as const) {
  test(`axe-core finds nothing serious where accounts are connected, ${scheme}, ${width} px`, async () => {
    const context = await openContext(browser, { scheme, width, scripts: true })
    const page = await context.newPage()
    const look = async (name: string): Promise<void> => {
      const path = `${PICTURES}/connect-${name}-${scheme}-${width}.png`
      await page.screenshot({ path, fullPage: true })
      assert.deepEqual(await seriousFaults(page), [], name)
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
      assert.ok(wide <= width, `${name} is ${wide} pixels wide`)
    }
    await begin(page, person)
    await look('consent')
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await heading(page, 'Connect your Google account')
    await look('offer')
    await page.getByRole('button', { name: 'Continue to Google' }).click()
    await page.waitForURL(/[?&]state=/)
    const state = new URL(page.url()).searchParams.get('state') ?? ''
    const callback = `${office.gateway.origin}/connect/google/callback`
    await page.goto(`${callback}?error=access_denied&state=${state}`)
    await look('denied')
    await page.goto(`${callback}?code=x&state=guessed`)
    await look('not-begun-here')
    await page.goto(`${office.gateway.origin}/connect/google`)
    await look('offer-by-oneself')
    await page.getByRole('button', { name: 'Continue to Google' }).click()
    await page
      .locator('form', { hasText: `${person}@` })
      .getByRole('button')
      .first()
      .click()
    await heading(page, 'Google is connected')
    await look('connected')
    await page.goto(`${office.gateway.origin}/connect`)
    await look('own')
    await page.getByRole('link', { name: 'Use another account' }).click()
    await heading(page, 'Connect your Google account')
    await page.goto(`${office.gateway.origin}/connect/google?account=work`)
    await look('another-place')
    await page.goto(`${office.gateway.origin}/oauth/access`)
    await page.getByRole('link', { name: /See which are connected/ }).waitFor()
    await look('access')
    await context.close()
  })
}
