/** A configuration that is refused is refused once, and what mends it is noticed. */
import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'

/** Nobody calls it: only the configuration is looked at. */
const UPSTREAM = 'http://127.0.0.1:9/mcp'

/** Several debounced looks at changed files: one that is told again is told by then. */
const QUIET_MS = 450

async function start(t: TestContext): Promise<TestGatehouse> {
  const gatehouse = await startGatehouse({ servers: { docs: UPSTREAM }, rules: [allowAll('docs')] })
  t.after(() => gatehouse.stop())
  return gatehouse
}

/** How often the gateway has logged this. */
function said({ child }: TestGatehouse, words: string): number {
  return child.output().split(words).length - 1
}

test('a refused file is told once, and the mended one is taken', async (t) => {
  const gatehouse = await start(t)
  for (const [file, text] of [
    [gatehouse.configFile, 'version: ['],
    [gatehouse.policyFile, 'version: 1\nrules: 7\n'],
  ] as const) {
    const before = said(gatehouse, 'the old one stays')
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
    await eventually(() => assert.ok(said(gatehouse, 'the old one stays') > before))
    await pause(QUIET_MS)
    assert.equal(said(gatehouse, 'the old one stays') - before, 1)
    const reloaded = said(gatehouse, 'configuration reloaded')
    await gatehouse.writeConfig({})
    await gatehouse.writePolicy([allowAll('docs')])
    await eventually(() => assert.ok(said(gatehouse, 'configuration reloaded') > reloaded))
  }
})
