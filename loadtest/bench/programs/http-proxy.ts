/**
 * A reverse proxy on http-proxy-3 with a keep-alive agent; with `verify` set, jose checks the token of
 * every call first. Argument: `ProgramSettings` as JSON.
 */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { CONNECTIONS } from '../constants.ts'
import type { ProgramSettings } from '../variants/node-program.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as ProgramSettings
const { host, port } = settings.upstream
const proxy = createProxyServer({
  target: { host, port },
  agent: new http.Agent({ keepAlive: true, maxFreeSockets: CONNECTIONS * 2 }),
})
proxy.on('error', (_error, _request, response) => {
  if (response instanceof http.ServerResponse && !response.headersSent) response.writeHead(502)
  response?.end()
})

const allowed = settings.verify === undefined ? undefined : verifier(settings.verify)
const server = http.createServer((request, response) => {
  if (allowed === undefined) {
    proxy.web(request, response)
    return
  }
  allowed(request).then(
    () => proxy.web(request, response),
    () => response.writeHead(401).end(),
  )
})
server.keepAliveTimeout = 0
server.listen({ host: '127.0.0.1', port: settings.port, backlog: 4096 })

function verifier(verify: NonNullable<ProgramSettings['verify']>) {
  const { jwksFile, issuer, audience } = verify
  const keys = createLocalJWKSet(JSON.parse(readFileSync(jwksFile, 'utf8')) as JSONWebKeySet)
  return (request: http.IncomingMessage) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    return jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] })
  }
}
