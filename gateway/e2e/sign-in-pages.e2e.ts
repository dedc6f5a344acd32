/** The pages people sign in and decide on, in a real browser: without scripts, on a phone, light and dark. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { openContext, seriousFaults, startBrowser } from '../testkit/browser.ts'
import { ROOT } from '../testkit/child.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { ALICE, OauthAgent } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'

/** Where the pages can be looked at afterwards. */
const SHOTS = join(ROOT, '.cache/shots')

let upstream: RecordingServer
let gateway: TestGatehouse
let browser: Browser
let agent: OauthAgent

before(async () => {
  await mkdir(SHOTS, { recursive: true })
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { documents: upstream.url },
    rules: [
      allowAll('documents'),
      { id: 'r', effect: 'allow', subjects: [{ scopes: ['read', 'write'] }], tools: ['*/echo'] },
    ],
    section: { registration: { per_minute: 100 } },
  })
  browser = await startBrowser()
  agent = new OauthAgent(gateway.origin)
})

after(async () => {
  await browser.close()
  await gateway.stop()
  await upstream.stop()
})

async function signIn(page: Page): Promise<void> {
  await page.fill('#name', ALICE.name)
  await page.fill('#password', ALICE.password)
  await page.press('#password', 'Enter')
}

const LOOKS = [
  { scheme: 'light', width: 1_000 },
  { scheme: 'dark', width: 375 },
] as const

for (const { scheme, width } of LOOKS) {
  test(`Every page is fit for people: ${scheme}, ${width} pixels wide`, async () => {
    const context = await openContext(browser, { scheme, width, scripts: true })
    const page = await context.newPage()
    const look = async (name: string): Promise<void> => {
      assert.deepEqual(await seriousFaults(page), [], name)
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth')
      assert.ok(overflow <= width, `${name} is ${overflow} pixels wide`)
      await page.screenshot({ path: join(SHOTS, `${name}-${scheme}-${width}.png`), fullPage: true })
    }
    const { json } = await agent.register({ client_name: 'Report Agent' })
    await page.goto(agent.authorizeUrl(json.client_id))
    await look('sign-in')
    await signIn(page)
    await page.waitForSelector('button[value=allow]')
    await look('consent')
    await page.goto(`${gateway.origin}/oauth/access`)
    await look('access')
    await page.goto(agent.authorizeUrl('c_unknown'))
    await look('refused')
    await context.close()
  })
}

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
