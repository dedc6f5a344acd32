/** Connecting accounts in Chromium: without scripts and by keyboard, and fit for people in light and dark, on a phone. */
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'

import { openContext, startBrowser } from '../../testkit/browser.ts'
import { lookAt } from '../../testkit/look.ts'
import { OauthAgent } from '../../testkit/oauth-agent.ts'
import type { Office, Person } from '../../testkit/office.ts'
import { PASSWORD, startOffice } from '../../testkit/office.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let office: Office
let browser: Browser

before(async () => {
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

test('Every page where accounts are connected is fit for people, in light and dark, on a desk and on a phone', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: true })
  const page = await context.newPage()
  await begin(page, 'alice')
  await lookAt(page, 'connect-consent')
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await heading(page, 'Connect your Google account')
  await lookAt(page, 'connect-offer')
  await page.getByRole('button', { name: 'Continue to Google' }).click()
  await page.waitForURL(/[?&]state=/)
  const state = new URL(page.url()).searchParams.get('state') ?? ''
  const callback = `${office.gateway.origin}/connect/google/callback`
  await page.goto(`${callback}?error=access_denied&state=${state}`)
  await lookAt(page, 'connect-denied')
  await page.goto(`${callback}?code=x&state=guessed`)
  await lookAt(page, 'connect-not-begun-here')
  await page.goto(`${office.gateway.origin}/connect/google`)
  await lookAt(page, 'connect-offer-by-oneself')
  await page.getByRole('button', { name: 'Continue to Google' }).click()
  await page.locator('form', { hasText: 'alice@' }).getByRole('button').first().click()
  await heading(page, 'Google is connected')
  await lookAt(page, 'connect-connected')
  await page.goto(`${office.gateway.origin}/connect`)
  await lookAt(page, 'connect-own')
  await page.getByRole('link', { name: 'Use another account' }).click()
  await heading(page, 'Connect your Google account')
  await page.goto(`${office.gateway.origin}/connect/google?account=work`)
  await lookAt(page, 'connect-another-place')
  await page.goto(`${office.gateway.origin}/oauth/access`)
  await page.getByRole('link', { name: /See which are connected/ }).waitFor()
  await lookAt(page, 'connect-access')
  await context.close()
})
