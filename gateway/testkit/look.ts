/** Looking at a page as people see it: axe-core in light and dark, on a desk and on a phone, and pictures to keep. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

import { ROOT } from './child.ts'

/** Where pictures of every page are kept, to be looked at. */
const PICTURES = join(ROOT, '.cache/pages')

const HEIGHT = 800

/** The two that differ in everything are kept as pictures. */
const LOOKS = [
  { scheme: 'light', width: 1_000, isKept: true },
  { scheme: 'dark', width: 1_000, isKept: false },
  { scheme: 'light', width: 375, isKept: false },
  { scheme: 'dark', width: 375, isKept: true },
] as const

/**
 * Holds the page that is open to what people need, in every look; its context has scripts on.
 *
 * @param name Of its pictures, which are `.cache/pages/<name>-<scheme>-<width>.png`.
 * @throws {AssertionError} where axe-core finds anything serious or critical, or it is wider than the window.
 */
export async function lookAt(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true })
  for (const { scheme, width, isKept } of LOOKS) {
    await page.emulateMedia({ colorScheme: scheme })
    await page.setViewportSize({ width, height: HEIGHT })
    const look = `${name}-${scheme}-${width}`
    const path = join(PICTURES, `${look}.png`)
    if (isKept) await page.screenshot({ path, fullPage: true })
    assert.deepEqual(await seriousFaults(page), [], look)
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
    assert.ok(wide <= width, `${look} is ${wide} pixels wide`)
  }
}

type AxeResults = {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

/** What axe-core finds serious or critical on a page, one line each. */
async function seriousFaults(page: Page): Promise<readonly string[]> {
  // Past the page's own policy, which lets no script in; once for all looks at a page.
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axeSource())
  const results = await page.evaluate<AxeResults>(
    'axe.run(document, { resultTypes: ["violations"] })',
  )
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
}

function axeSource(): string {
  return readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
}
