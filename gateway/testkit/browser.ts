/** A real Chromium for tests, without scripts, on loopback only. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
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

type AxeResults = {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

/** What axe-core finds serious or critical on a page, one line each; the page's context has scripts on. */
export async function seriousFaults(page: Page): Promise<readonly string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // Past the page's own policy, which lets no script in.
  const results = await page.evaluate<AxeResults>(`${source};axe.run(document)`)
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
}
