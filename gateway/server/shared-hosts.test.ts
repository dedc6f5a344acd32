import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Spoken } from '../mcp/spoken.ts'
import { NOTHING_KNOWN } from '../mcp/spoken.ts'
import { testServer } from '../testkit/pipeline.ts'
import { findSharedHosts } from './shared-hosts.ts'

const OLD: Spoken = { legacy: ['2025-11-25'], modern: [] }
const NEW: Spoken = { legacy: [], modern: ['2026-07-28'] }
const BOTH: Spoken = { legacy: ['2025-11-25'], modern: ['2026-07-28'] }

/** What is found when servers named by their place speak these, all of them on one host. */
function find(host: string, ...spoken: readonly Spoken[]) {
  const names = ['docs', 'wiki', 'code']
  const servers = spoken.map((_, at) => testServer({ name: names[at] ?? '', host }))
  return findSharedHosts(servers, (server) => spoken[names.indexOf(server.name)] ?? NOTHING_KNOWN)
}

test('servers of different eras behind one host are told with the lines that part them', () => {
  const [found, ...others] = find('mcp.example:8443', OLD, NEW)
  assert.deepEqual(others, [])
  assert.equal(found?.first, 'docs')
  assert.match(
    found.problem,
    /share the host mcp\.example:8443: docs \(legacy: 2025-11-25\), wiki \(modern: 2026-07-28\);/,
  )
  assert.deepEqual(found.mend, [
    'servers:',
    '  docs:',
    '    host: docs.mcp.example:8443',
    '  wiki:',
    '    host: wiki.mcp.example:8443',
  ])
})

test('a server of both eras, or of none that is known, may stay with any', () => {
  assert.deepEqual(find('mcp.example', OLD, BOTH, NOTHING_KNOWN), [])
  assert.deepEqual(find('mcp.example', NEW, BOTH), [])
  assert.deepEqual(find('mcp.example', OLD, OLD, OLD), [])
  const [found] = find('mcp.example', OLD, BOTH, NEW)
  assert.doesNotMatch(found?.mend.join() ?? '', /wiki/)
})

test('servers on hosts of their own share none', () => {
  const servers = [testServer({ host: 'a.example' }), testServer({ host: 'b.example' })]
  let at = 0
  assert.deepEqual(
    findSharedHosts(servers, () => (at++ % 2 === 0 ? OLD : NEW)),
    [],
  )
})

test('an address, which has no names below it, is answered with names that there could be', () => {
  const hosts = (host: string) =>
    find(host, OLD, NEW)[0]?.mend.filter((line) => line.includes('host:'))
  assert.deepEqual(hosts('127.0.0.1:8787'), [
    '    host: docs.localhost:8787',
    '    host: wiki.localhost:8787',
  ])
  assert.deepEqual(hosts('[::1]:8787')?.[0], '    host: docs.localhost:8787')
  assert.deepEqual(hosts('10.0.0.7:8787')?.[0], '    host: docs.mcp.example:8787')
})
