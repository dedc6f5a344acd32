/** A real Chromium for tests, on loopback only. */
import { existsSync } from 'node:fs'
import type { Browser, BrowserContext } from 'playwright-core'
import { chromium } from 'playwright-core'

/** Where distributions put it. */
const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** @throws {Error} where there is none; `.ci/tools` installs one. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = EXECUTABLES.find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('no Chromium: run .ci/tools')
  return await chromium.launch({
    executablePath,
    // Tests run as root on machines of their own, where the sandbox cannot.
    args: ['--no-sandbox', '--disable-dev-shm-usage', NOWHERE_ELSE],
  })
}

/** Pages of emulators ask for fonts of others: nobody is asked, and nothing waits for an answer. */
const NOWHERE_ELSE = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'

export type Look = {
  readonly scheme: 'light' | 'dark'
  readonly width: number
  /** Scripts are on only to look at a page with a tool; the pages themselves have none. */
  readonly scripts: boolean
}

/** A browser of its own, as one person has it. */
export async function openContext(browser: Browser, look: Look): Promise<BrowserContext> {
  return await browser.newContext({
    colorScheme: look.scheme,
    viewport: { width: look.width, height: 800 },
    javaScriptEnabled: look.scripts,
  })
}
