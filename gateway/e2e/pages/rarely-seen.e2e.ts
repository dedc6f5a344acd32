/** Pages of the authorization server that few people see: of many ways to sign in, of stopping, of too much and of trouble. */
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'

import { speakingProvider } from '../../testkit/assertions.ts'
import { openContext, startBrowser } from '../../testkit/browser.ts'
import { FormRobot } from '../../testkit/form-robot.ts'
import type { LoneIssuer } from '../../testkit/lone-issuer.ts'
import { startLoneIssuer } from '../../testkit/lone-issuer.ts'
import { lookAt } from '../../testkit/look.ts'
import { ALICE, OauthAgent } from '../../testkit/oauth-agent.ts'
import { createSigner } from '../../testkit/signer.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let isAway = false
let isCrowded = false
let isBroken = false
let issuer: LoneIssuer
let agent: OauthAgent
let browser: Browser
let page: Page

before(async () => {
  const signer = await createSigner()
  const titles = ['Google', 'GitHub', 'the account of your university or research institute']
  issuer = await startLoneIssuer({
    documents: {},
    registration: { mode: 'open', maxClients: 10 },
    signIn: new Map(
      titles.map((title, at) => [`p${at}`, speakingProvider(signer, { name: `p${at}`, title })]),
    ),
    isAway: () => isAway,
    isCrowded: () => isCrowded,
    isBroken: () => isBroken,
  })
  agent = new OauthAgent(issuer.origin)
  browser = await startBrowser()
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: true })
  page = await context.newPage()
})

after(() => stopAll(browser, issuer))

const heading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor()

async function signIn(): Promise<void> {
  await page.fill('#name', ALICE.name)
  await page.fill('#password', ALICE.password)
  await page.press('#password', 'Enter')
}

/** Types the code of a new device. */
async function typeCode(): Promise<void> {
  const { json: client } = await agent.register({
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
    redirect_uris: [],
  })
  const form = { client_id: client.client_id }
  const { json } = await agent.form<{ readonly user_code: string }>('/oauth/device-code', form)
  await page.goto(`${issuer.origin}/oauth/device`)
  await page.fill('#user_code', json.user_code)
  await page.press('#user_code', 'Enter')
}

test('Signing in with many providers is fit for people', async () => {
  const { json } = await agent.register()
  await page.goto(agent.authorizeUrl(json.client_id))
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor()
  await lookAt(page, 'sign-in-many')
})

test('Signing out says so, on a page to sign in again that is fit for people', async () => {
  await page.goto(`${issuer.origin}/oauth/access`)
  await signIn()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('status').getByText('You are signed out.').waitFor()
  await lookAt(page, 'signed-out')
})

test('Whoever stops a device, at its code or at the decision, reads on a page fit for people that it gets nothing', async () => {
  await typeCode()
  await page.getByRole('button', { name: 'No, stop' }).click()
  await heading('Stopped')
  await lookAt(page, 'device-stopped')
  await typeCode()
  await page.getByRole('button', { name: 'Yes, it is' }).click()
  await signIn()
  await page.getByRole('button', { name: 'Do not allow' }).click()
  await heading('Stopped')
})

test('A code that is none is told so on a page fit for people', async () => {
  await page.goto(`${issuer.origin}/oauth/device`)
  await page.fill('#user_code', 'BCDF-GHJK')
  await page.press('#user_code', 'Enter')
  await page.getByRole('alert').waitFor()
  await lookAt(page, 'device-wrong')
})

test('Too many wrong passwords and too many requests are told so on pages fit for people', async () => {
  const address = `${issuer.origin}/oauth/sign-in`
  const robot = new FormRobot()
  const form = await robot.open(address)
  for (let at = 0; at < 10; at += 1)
    await robot.submit(form, { name: ALICE.name, password: 'wrong' })
  await page.goto(address)
  await page.fill('#name', ALICE.name)
  await page.fill('#password', 'wrong')
  await page.press('#password', 'Enter')
  await page.getByText('There were too many attempts.').waitFor()
  await lookAt(page, 'sign-in-too-often')
  isCrowded = true
  try {
    await page.goto(address)
    await heading('Too many requests from your network')
    await page.getByText('Wait 7 seconds,').waitFor()
    await lookAt(page, 'too-much')
  } finally {
    isCrowded = false
  }
})

test('Without its store the gateway says so on a page fit for people', async () => {
  isAway = true
  try {
    await page.goto(`${issuer.origin}/oauth/device`)
    await heading('This cannot be done right now')
    await lookAt(page, 'not-right-now')
  } finally {
    isAway = false
  }
})

test('What is broken here is told so on a page fit for people, and nothing of it', async () => {
  isBroken = true
  try {
    await page.goto(`${issuer.origin}/oauth/access`)
    await heading('Something went wrong')
    await lookAt(page, 'went-wrong')
  } finally {
    isBroken = false
  }
})

test('An identity provider that is none, or is not reached, is told so on pages fit for people', async () => {
  const address = `${issuer.origin}/oauth/sign-in`
  await page.goto(`${address}/with/other`)
  await heading('There is no such way to sign in')
  await lookAt(page, 'provider-unknown')
  await page.goto(address)
  await page.getByRole('link', { name: 'Sign in with GitHub' }).click()
  await heading('Your sign-in page cannot be reached')
  await lookAt(page, 'provider-unreachable')
})

test('Too many wrong codes of devices are told so on a page fit for people', async () => {
  const address = `${issuer.origin}/oauth/device`
  const form = { method: 'POST', body: new URLSearchParams({ user_code: 'BCDF-GHJK' }) }
  await Promise.all(Array.from({ length: 60 }, async () => (await fetch(address, form)).text()))
  await page.goto(address)
  await page.fill('#user_code', 'BCDF-GHJK')
  await page.press('#user_code', 'Enter')
  await heading('Too many codes were tried from here')
  await lookAt(page, 'device-too-many')
})
