/**
 * HAProxy verifying the RS256 signature of every request's token (`jwt_verify`). It checks algorithm
 * and signature only; an operator would add issuer, audience and expiry, which makes it dearer.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { PROXY_CORE } from '../constants.ts'
import { targetOn } from './variant.ts'
import type { Place, Running, Variant } from './variant.ts'

/** Needs HAProxy 2.5 or newer for `jwt_verify`. */
export const HAPROXY_JWT: Variant = {
  name: 'haproxy + jwt_verify',
  needs: ['haproxy'],
  refuses: 'tokens',
  start,
}

async function start(place: Place): Promise<Running> {
  const { port, directory, processes } = place
  const file = path.join(directory, 'haproxy.cfg')
  writeFileSync(file, config(place))
  const haproxy = await processes.start({
    name: 'haproxy',
    command: 'haproxy',
    args: ['-db', '-f', file],
    core: PROXY_CORE,
    port,
  })
  return {
    target: targetOn(port),
    pids: [haproxy.pid],
    growing: [],
    log: haproxy.log,
    stop: haproxy.stop,
  }
}

function config({ port, upstream, keys }: Place): string {
  return `
global
    nbthread 1
    maxconn 8000

defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
    option http-keep-alive
    http-reuse always
    # Passes events on at once instead of waiting for more to send with them.
    option http-no-delay

frontend mcp
    bind 127.0.0.1:${port} backlog 4096
    http-request set-var(txn.bearer) http_auth_bearer
    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
    http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${keys.rsaPublicPemFile}") 1 }
    default_backend upstream

backend upstream
    server stub ${upstream.host}:${upstream.port}
`
}
