import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf, servers, UP } from '../testkit/settings-file.ts'

const mistakes: Record<string, readonly [text: string, problem: string]> = {
  'a name with capitals': [
    `  Docs: { ${UP} }`,
    '6:3 servers: "Docs" is not a valid name: use a-z, 0-9 and -, at most 63 characters',
  ],
  'no upstream': ['  docs: { path: /x }', '6:3 servers.docs: "upstream" is missing'],
  'an issuer nobody configured': [
    `  docs: { ${UP}, issuers: ['https://idp.exampel'] }`,
    '6:57 servers.docs.issuers[0]: unknown issuer "https://idp.exampel"; did you mean "https://idp.example"?',
  ],
  'a public URL another server has': [
    `  docs: { ${UP}, path: /x }\n  wiki: { ${UP}, path: /x }`,
    '7:47 servers.wiki.path: the same public URL as server "docs"',
  ],
  'a default path another server took': [
    `  docs: { ${UP}, path: /mcp/wiki }\n  wiki: { ${UP} }`,
    '7:3 servers.wiki.path: the same public URL as server "docs"',
  ],
  'a path with dot segments': [
    `  docs: { ${UP}, path: /a/../b }`,
    '6:53 servers.docs.path: must not contain . or .. as a segment',
  ],
  'a path of the gateway itself': [
    `  docs: { ${UP}, path: /.well-known/x }`,
    '6:53 servers.docs.path: /.well-known/ belongs to the gateway',
  ],
  'a host with a scheme': [
    `  docs: { ${UP}, host: 'https://docs.example' }`,
    '6:53 servers.docs.host: must be a host or host:port; lower case, no scheme, no default port',
  ],
  'a host in capitals': [
    `  docs: { ${UP}, host: Docs.example }`,
    '6:53 servers.docs.host: must be a host or host:port; lower case, no scheme, no default port',
  ],
  'a host with the default port': [
    `  docs: { ${UP}, host: 'docs.example:443' }`,
    '6:53 servers.docs.host: must be a host or host:port; lower case, no scheme, no default port',
  ],
  'plain HTTP to another machine': [
    `  docs: { upstream: 'http://up.example/mcp' }`,
    '6:21 servers.docs.upstream.url: calls would travel unencrypted; use https://, or set allow_insecure_http: true on this upstream',
  ],
  'an upstream that is no URL': [
    `  docs: { upstream: up.example }`,
    '6:21 servers.docs.upstream.url: must be a URL such as https://…',
  ],
  'an upstream with a password': [
    `  docs: { upstream: { url: 'https://a:b@up.example/' } }`,
    '6:28 servers.docs.upstream.url: must not contain a user name or password',
  ],
  'an upstream that is the gateway': [
    `  docs: { upstream: 'https://mcp.example/mcp' }`,
    '6:21 servers.docs.upstream.url: points back at the gateway itself',
  ],
  'TLS settings for plain HTTP': [
    `  docs: { upstream: { url: 'http://127.0.0.1/', tls: { server_name: x } } }`,
    '6:49 servers.docs.upstream.tls: has no effect on an http:// URL',
  ],
  'TLS settings for a plain WebSocket': [
    `  docs: { upstream: { url: 'ws://127.0.0.1/', tls: { server_name: x } } }`,
    '6:47 servers.docs.upstream.tls: has no effect on a ws:// URL',
  ],
  'another transport for a WebSocket': [
    `  docs: { upstream: { url: 'wss://up.example/', transport: sse } }`,
    '6:60 servers.docs.upstream.transport: has no effect on a wss:// URL',
  ],
  'a plain WebSocket to another machine': [
    `  docs: { upstream: 'ws://up.example/mcp' }`,
    '6:21 servers.docs.upstream.url: calls would travel unencrypted; use wss://, or set allow_insecure_http: true on this upstream',
  ],
  'a WebSocket to the gateway itself': [
    `  docs: { upstream: 'wss://mcp.example/mcp' }`,
    '6:21 servers.docs.upstream.url: points back at the gateway itself',
  ],
  'a scope that no server asks for': [
    `  docs: { upstream: 'https://up.example/mcp', scopes: [docs.read, offline_access] }`,
    '6:67 servers.docs.scopes[1]: offline_access is no scope of a server; remove it',
  ],
  'statuses for refusals on a WebSocket': [
    `  docs: { upstream: 'wss://up.example/mcp', refusals: http }`,
    '6:55 servers.docs.refusals: a WebSocket has no statuses; use jsonrpc',
  ],
  'a path that tickets are given out at': [
    `  docs: { upstream: 'https://up.example/mcp', path: /mcp/ws-ticket }`,
    '6:53 servers.docs.path: /ws-ticket belongs to the gateway',
  ],
  'a certificate without its key': [
    `  docs: { upstream: { url: 'https://up.example/', tls: { cert: c.pem } } }`,
    '6:51 servers.docs.upstream.tls: "key" is missing',
  ],
  'a literal credential': [
    `  docs: { ${UP}, credential: { value: Bearer abc } }`,
    '6:68 servers.docs.credential.value: a secret must not stand in the configuration file; refer to it as ${env:NAME} or ${file:/path}',
  ],
  'a credential from an unset variable': [
    `  docs: { ${UP}, credential: { value: '\${env:NOPE}' } }`,
    '6:68 servers.docs.credential.value: environment variable NOPE is not set',
  ],
  'a credential that is a placeholder': [
    `  docs: { ${UP}, credential: { value: 'Bearer \${env:PLACEHOLDER}' } }`,
    '6:68 servers.docs.credential.value: environment variable PLACEHOLDER holds a placeholder',
  ],
  'a credential with a line break': [
    `  docs: { ${UP}, credential: { value: '\${env:TWO_LINES}' } }`,
    '6:68 servers.docs.credential.value: has characters that a header cannot hold (a line break?)',
  ],
  'a credential for anybody': [
    `  docs: { ${UP}, anonymous: true, credential: { value: '\${env:T}' } }`,
    '6:64 servers.docs.credential: a credential together with anonymous: anybody could use it; remove one of the two',
  ],
  'a word for a credential': [
    `  docs: { ${UP}, credential: passthrough }`,
    '6:59 servers.docs.credential: must be none, or { header: …, value: … }, or { mode: … }',
  ],
  'a body limit too small': [
    `  docs: { ${UP}, max_body: 10B }`,
    '6:57 servers.docs.max_body: must be between 1KiB and 64MiB',
  ],
  'a body limit too large': [
    `  docs: { ${UP}, max_body: 65MiB }`,
    '6:57 servers.docs.max_body: must be between 1KiB and 64MiB',
  ],
  'a scope with a blank': [
    `  docs: { ${UP}, scopes: [a b] }`,
    '6:56 servers.docs.scopes[0]: must be one OAuth scope: printable ASCII without spaces, quotes and backslashes',
  ],
  'the same scope twice': [
    `  docs: { ${UP}, scopes: [a, b, a] }`,
    '6:62 servers.docs.scopes: lists the same thing twice',
  ],
}

for (const [what, [text, problem]] of Object.entries(mistakes)) {
  test(`a server with ${what} is refused with its position`, async () => {
    const env = { T: 'abc', PLACEHOLDER: 'changeme', TWO_LINES: 'a\r\nX-Other: b' }
    assert.deepEqual(await problemsOf(servers(text), { env }), [problem])
  })
}

for (const header of [
  'Host',
  'Connection',
  'TE',
  'Transfer-Encoding',
  'Upgrade',
  'Proxy-Authorization',
  'Keep-Alive',
  'Content-Length',
  'Content-Type',
  'Accept',
  'Mcp-Session-Id',
  'MCP-Protocol-Version',
  'Last-Event-ID',
  'traceparent',
  'X_Api_Key',
]) {
  test(`a credential in the header ${header} is refused`, async () => {
    const text = `  docs: { ${UP}, credential: { header: ${header}, value: '\${env:T}' } }`
    const problem = header.includes('_')
      ? `6:69 servers.docs.credential.header: must be an HTTP header name (letters, digits and -)`
      : `6:69 servers.docs.credential.header: ${header} cannot carry a credential`
    assert.deepEqual(await problemsOf(servers(text), { env: { T: 'abc' } }), [problem])
  })
}
