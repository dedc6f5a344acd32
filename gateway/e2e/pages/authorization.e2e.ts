/** The pages people sign in and decide on, in a real browser: without scripts, on a phone, light and dark. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'

import { startOwnIssuer } from '../../testkit/authorization-server.ts'
import { openContext, startBrowser } from '../../testkit/browser.ts'
import type { CorporateIdp } from '../../testkit/corporate-idp.ts'
import { IDP_SECRET, startCorporateIdp } from '../../testkit/corporate-idp.ts'
import { eventually } from '../../testkit/eventually.ts'
import { FormRobot } from '../../testkit/form-robot.ts'
import { freePort } from '../../testkit/free-port.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { lookAt } from '../../testkit/look.ts'
import { ALICE, OauthAgent } from '../../testkit/oauth-agent.ts'
import { squarePng } from '../../testkit/png.ts'
import type { Override, RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { connectV1 } from '../../testkit/sdk-client.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let upstream: RecordingServer
let idp: CorporateIdp
let gateway: TestGatehouse
let browser: Browser
let agent: OauthAgent

const WORDS = {
  title: 'Team documents',
  sentence: 'Everything the team has written, drafts included.',
  logo: 'documents.png',
  scopes: { read: 'Read and search what you can read yourself' },
}

const TOOLS = [
  { name: 'search', description: 'Finds documents by their words. Slowly.' },
  { name: 'read', title: 'Read a document' },
  { name: 'append', title: 'Add to a document', annotations: { destructiveHint: false } },
  { name: 'delete_all', title: 'Delete everything' },
].map((tool) => ({
  inputSchema: { type: 'object' },
  annotations: { readOnlyHint: !/append|delete/.test(tool.name) },
  ...tool,
}))

const listTools: Override = ({ json }, response) => {
  if (json?.method !== 'tools/list') return false
  const answer = { jsonrpc: '2.0', id: json.id, result: { tools: TOOLS } }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  return true
}

before(async () => {
  upstream = await startRecordingServer(listTools)
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  idp = await startCorporateIdp([`${origin}/oauth/callback/corp`], {
    backChannel: { uri: `${origin}/oauth/backchannel-logout/corp`, namesSessions: true },
  })
  const corp = { issuer: idp.issuer, client_id: 'gatehouse', client_secret: '${env:IDP_SECRET}' }
  gateway = await startOwnIssuer({
    servers: { documents: { upstream: upstream.url, consent: WORDS, initial_scopes: ['read'] } },
    rules: [
      { id: 'r', effect: 'allow', subjects: [{ scopes: ['read'] }], tools: ['*/search', '*/read'] },
      { id: 'w', effect: 'allow', subjects: [{ scopes: ['write'] }], tools: ['*/append'] },
    ],
    section: {
      registration: { per_minute: 100 },
      sign_in: { corp: { ...corp, title: 'the Corp account of everybody' } },
    },
    env: { IDP_SECRET },
    config: { public_url: origin, listen: { port } },
    files: { 'documents.png': squarePng('0b57d0') },
  })
  browser = await startBrowser()
  agent = new OauthAgent(gateway.origin)
  const { tokens } = await agent.tokens(new FormRobot())
  await (await connectV1(gateway.url('documents'), tokens.access_token)).listTools()
})

after(() => stopAll(browser, gateway, idp, upstream))

async function signIn(page: Page): Promise<void> {
  await page.fill('#name', ALICE.name)
  await page.fill('#password', ALICE.password)
  await page.press('#password', 'Enter')
}

/** From the page that asks for the code of a device to the last one. */
async function lookAtDevice(page: Page): Promise<void> {
  const { json: client } = await agent.register({ grant_types: [DEVICE], redirect_uris: [] })
  const form = { client_id: client.client_id }
  const { json } = await agent.form<{ readonly user_code: string }>('/oauth/device-code', form)
  await page.goto(`${gateway.origin}/oauth/device`)
  await lookAt(page, 'device')
  await page.fill('#user_code', json.user_code)
  await page.press('#user_code', 'Enter')
  await page.waitForSelector('input[name=confirm]', { state: 'attached' })
  await lookAt(page, 'device-confirm')
  await page.click('button.main')
  await page.waitForSelector('button[value=allow]')
  await page.click('button[value=allow]')
  await page.getByRole('heading', { name: 'Done' }).waitFor()
  await lookAt(page, 'device-done')
}

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

test('Every page is fit for people, in light and dark, on a desk and on a phone', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: true })
  const page = await context.newPage()
  const { json } = await agent.register({ client_name: 'Report Agent' })
  await page.goto(agent.authorizeUrl(json.client_id))
  await lookAt(page, 'sign-in')
  await page.fill('#name', 'alice')
  await page.fill('#password', 'not hers')
  await page.press('#password', 'Enter')
  await page.getByRole('alert').waitFor()
  await lookAt(page, 'sign-in-wrong')
  await signIn(page)
  await page.waitForSelector('button[value=allow]')
  assert.equal(await page.evaluate('document.images[0].naturalWidth'), 40)
  await lookAt(page, 'consent')
  // Nothing was asked for, so little is.
  assert.equal(await page.locator('input[name=scope]').count(), 1)
  await page.click('button[value=allow]')
  // Nobody listens where the code is sent.
  await page.waitForURL(/^chrome-error:/)
  await page.goto(agent.authorizeUrl(json.client_id, { scope: 'read write' }))
  await page.waitForSelector('button[value=allow]')
  assert.match(await page.innerText('h1'), /wants more access to Team documents/)
  assert.ok(!(await page.innerText('main')).includes('search'))
  await lookAt(page, 'step-up')
  // Signing in anew, as a rule about it has a client ask.
  await page.goto(agent.authorizeUrl(json.client_id, { prompt: 'login' }))
  await page.waitForSelector('#password')
  await lookAt(page, 'sign-in-anew')
  await lookAtDevice(page)
  await page.goto(`${gateway.origin}/oauth/access`)
  assert.ok((await page.getByRole('button', { name: 'End its access' }).count()) >= 2)
  await lookAt(page, 'access')
  for (const [name, address] of REFUSED) {
    await page.goto(address())
    await lookAt(page, name)
  }
  await context.close()
})

/** Pages for what does not go on, by name. */
const REFUSED = [
  ['refused', () => agent.authorizeUrl('c_unknown')],
  ['not-open-here', () => `${gateway.origin}/oauth/ui/unknown`],
  ['not-begun-here', () => `${gateway.origin}/oauth/callback/corp?code=x&state=guessed`],
] as const

test('Signed out at the company by the back channel, a person is asked to sign in on the next page, without scripts', async () => {
  const context = await openContext(browser, { scheme: 'dark', width: 375, scripts: false })
  const page = await context.newPage()
  const { json } = await agent.register()
  await page.goto(agent.authorizeUrl(json.client_id))
  await page.getByRole('link', { name: /Sign in with the Corp account/ }).press('Enter')
  await page.getByRole('button', { name: 'Allow', exact: true }).press('Enter')
  // Nobody listens where the code is sent.
  await page.waitForURL(/^chrome-error:/)
  await page.goto(`${gateway.origin}/oauth/access`)
  await page.getByText('You are signed in as Bea').waitFor()
  const elsewhere = await context.newPage()
  await elsewhere.goto(`${idp.issuer}/session/end`)
  await elsewhere.locator('button[name=logout]').click()
  await eventually(async () => {
    await page.reload()
    assert.equal(await page.locator('#password').count(), 1)
  })
  await page.getByRole('link', { name: /Sign in with the Corp account/ }).press('Enter')
  await page.getByText('You are signed in as Bea').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).press('Enter')
  await page.waitForSelector('#password')
  await context.close()
})

test('A person gets through without scripts, with the keyboard alone, and to the application', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: false })
  const page = await context.newPage()
  const arrived: URL[] = []
  const application = createServer((request, response) => {
    arrived.push(new URL(request.url ?? '', 'http://application'))
    response.end('you may close this')
  })
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  // Any port of a loopback redirect will do.
  const redirect = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`
  const { json } = await agent.register()
  await page.goto(agent.authorizeUrl(json.client_id, { redirect_uri: redirect }))
  await signIn(page)
  await page.waitForSelector('button[value=allow]')
  await page.focus('button[value=allow]')
  await page.keyboard.press('Enter')
  await page.waitForURL(/callback/)
  assert.equal((await page.textContent('body'))?.trim(), 'you may close this')
  assert.match(arrived[0]?.searchParams.get('code') ?? '', /^.{20,}$/)
  application.closeAllConnections()
  application.close()
  await context.close()
})

test('No other site can put a page of ours into a frame', async () => {
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: true })
  const page = await context.newPage()
  await page.route('http://evil.localhost/**', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<iframe src="${gateway.origin}/oauth/sign-in"></iframe>`,
    }),
  )
  await page.goto('http://evil.localhost/')
  const [, frame] = page.frames()
  await frame?.waitForLoadState().catch(() => undefined)
  assert.equal(await frame?.$('input[name=password]').catch(() => null), null)
  await context.close()
})

test('A client without a token is told to ask for what comes first, and that there is more', async () => {
  const { headers } = await fetch(gateway.url('documents'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  const challenge = headers.get('www-authenticate') ?? ''
  assert.match(challenge, / scope="read"/)
  const metadata = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? ''
  const { scopes_supported: all } = (await (await fetch(metadata)).json()) as {
    readonly scopes_supported: readonly string[]
  }
  assert.deepEqual(all.toSorted(), ['read', 'write'])
})
