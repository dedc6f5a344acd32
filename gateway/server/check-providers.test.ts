import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { RemoteProvider } from '../model/provider.ts'
import { createWeb, ISSUER, REMOTE, remotePages, SERVER } from '../testkit/web.ts'
import { checkProviders, tryProvider } from './check-providers.ts'

/** What is said of a provider whose server and authorization server say this of themselves. */
async function saidOf(more: Partial<RemoteProvider>, pages: Parameters<typeof remotePages>[0]) {
  const { fetches, asked } = createWeb(remotePages(pages))
  const tried = await tryProvider({ ...REMOTE, ...more }, () => fetches)
  // Nothing but questions: a check leaves nothing behind.
  assert.ok(asked.every(({ url, method }) => method === 'GET' || url === SERVER))
  return tried.ok ? tried.lines.join('\n') : tried.why
}

const CLIENT = { id: 'ours', auth: 'none', secret: undefined } as const
const DOCUMENT = 'https://gw.example/connect/acme/client.json'

test('A check says whose tokens a server takes, and what is asked for', async () => {
  assert.equal(
    await saidOf({}, { resource: { scopes_supported: ['read', 'write'] } }),
    `acme: ${SERVER}
  tokens are for ${SERVER} (says https://mcp.acme.example/.well-known/oauth-protected-resource/mcp)
  authorization server ${ISSUER}: consent at ${ISSUER}/auth, tokens at ${ISSUER}/token
  the gateway is a client that registers at ${ISSUER}/register (client_secret_basic) when the first person connects
  scopes: read write`,
  )
})

for (const [what, more, authority, expected] of [
  ['of the configuration', { client: CLIENT, issuer: ISSUER }, {}, 'the client ours of the'],
  [
    'that a document describes',
    { clientDocument: DOCUMENT },
    { client_id_metadata_document_supported: true },
    `the client that ${DOCUMENT} describes`,
  ],
  ['that registers', { clientDocument: DOCUMENT }, {}, `a client that registers at ${ISSUER}/reg`],
] as const) {
  test(`A check says which client the gateway is: one ${what}`, async () => {
    assert.ok((await saidOf(more, { authority })).includes(`the gateway is ${expected}`))
  })
}

for (const [what, pages, expected] of [
  [
    'lets nobody register',
    { authority: { registration_endpoint: undefined } },
    `${ISSUER} lets no client register by itself: register a client there by hand`,
  ],
  ['is another', { authority: { issuer: 'https://evil.example' } }, 'names the issuer "https://ev'],
  ['is not named', { resource: { authorization_servers: [] } }, 'names no authorization server'],
] as const) {
  test(`A check says why nobody can connect where the authorization server ${what}`, async () => {
    assert.ok((await saidOf({}, pages)).includes(expected))
  })
}

test('A check that is offline asks nobody', async () => {
  const settings = { file: 'nowhere.yaml', servers: [], providers: new Map([['acme', REMOTE]]) }
  assert.deepEqual(await checkProviders(settings, { isOffline: true }), {
    lines: [`acme: ${SERVER} (not asked)`],
    warnings: [],
  })
})
