/** Revisions that are spoken and such that are not, by the header that names them, on real sockets. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { type DocsGateway, startDocsGateway } from '../../testkit/docs-gateway.ts'
import { callTool, MODERN } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let docs: DocsGateway

before(async () => {
  docs = await startDocsGateway()
})

after(() => stopAll(docs))

for (const method of ['GET', 'DELETE']) {
  test(`${method} under the modern version is 405 and the server sees nothing`, async () => {
    const seen = docs.server.seen.length
    const headers = { authorization: `Bearer ${docs.token}`, 'mcp-protocol-version': MODERN }
    const reply = await fetch(docs.url, { method, headers })
    await reply.text()
    assert.equal(reply.status, 405)
    assert.equal(reply.headers.get('allow'), 'POST, OPTIONS')
    assert.equal(docs.server.seen.length, seen)
  })

  test(`${method} under a version nobody speaks is 400 and the server sees nothing`, async () => {
    const seen = docs.server.seen.length
    const headers = { authorization: `Bearer ${docs.token}`, 'mcp-protocol-version': '1900-01-01' }
    const reply = await fetch(docs.url, { method, headers })
    await reply.text()
    assert.equal(reply.status, 400)
    assert.equal(docs.server.seen.length, seen)
  })
}

const NEWEST_LEGACY = '2025-11-25'
const LEGACY_VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', NEWEST_LEGACY]

for (const version of LEGACY_VERSIONS) {
  test(`a legacy request under ${version} is served and its version goes up`, async () => {
    const headers = { 'mcp-protocol-version': version }
    const reply = await docs.send(callTool('echo'), headers)
    assert.equal(reply.status, 200)
    assert.equal(docs.server.seen.at(-1)?.headers['mcp-protocol-version'], version)
  })
}

for (const version of ['1900-01-01', '2025-11-26', 'latest', '2025-11-25 ', '']) {
  test(`a legacy request under ${JSON.stringify(version)} is 400 unless it is one by trimming`, async () => {
    const seen = docs.server.seen.length
    const headers = { 'mcp-protocol-version': version }
    const reply = await docs.send(callTool('echo'), headers)
    const fine = version.trim() === NEWEST_LEGACY
    assert.equal(reply.status, fine ? 200 : 400, reply.text)
    assert.equal(docs.server.seen.length, fine ? seen + 1 : seen)
  })
}
