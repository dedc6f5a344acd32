/**
 * nginx asking an auth service about every request (`auth_request`). The service is a second nginx that
 * always says yes: the cheapest one there can be. Both count.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { PROXY_CORE } from '../constants.ts'
import { forwardTo, startNginx, upstreamBlock } from './nginx-config.ts'
import { MCP_PATH, targetOn } from './variant.ts'
import type { Place, Running, Variant } from './variant.ts'

/** Two processes, both on the core of the proxy. */
export const NGINX_AUTH_REQUEST: Variant = {
  name: 'nginx + auth_request',
  needs: ['nginx'],
  refuses: 'nothing',
  start,
}

async function start(place: Place): Promise<Running> {
  const { port, directory, processes } = place
  const serviceDirectory = path.join(directory, 'service')
  mkdirSync(serviceDirectory, { recursive: true })
  const service = await startNginx({
    name: 'auth-service',
    directory: serviceDirectory,
    core: PROXY_CORE,
    port: port + 1,
    http: `
    server {
      listen 127.0.0.1:${port + 1};
      location / { return 204; }
    }`,
    processes,
  })
  const nginx = await startNginx({
    name: 'nginx-auth-request',
    directory,
    core: PROXY_CORE,
    port,
    http: askingServer(place),
    processes,
  })
  return {
    target: targetOn(port),
    pids: [nginx.pid, service.pid],
    growing: [],
    log: nginx.log,
    stop: async () => {
      await nginx.stop()
      await service.stop()
    },
  }
}

function askingServer({ port, upstream }: Place): string {
  return `
    ${upstreamBlock('mcp', `${upstream.host}:${upstream.port}`)}
    ${upstreamBlock('service', `127.0.0.1:${port + 1}`)}
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location = ${MCP_PATH} {
        auth_request /auth;${forwardTo('mcp')}
      }
      location = /auth {
        internal;${forwardTo('service')}
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
      }
    }`
}
