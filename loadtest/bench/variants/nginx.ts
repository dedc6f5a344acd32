/** nginx as plain reverse proxy: the yardstick. */
import { PROXY_CORE } from '../constants.ts'
import { forwardTo, startNginx, upstreamBlock } from './nginx-config.ts'
import { MCP_PATH, targetOn } from './variant.ts'
import type { Place, Running, Variant } from './variant.ts'

/** What most ratios are taken against. */
export const NGINX: Variant = {
  name: 'nginx',
  needs: ['nginx'],
  refuses: 'nothing',
  start,
}

async function start(place: Place): Promise<Running> {
  const { port, directory, upstream, processes } = place
  const http = `
    ${upstreamBlock('mcp', `${upstream.host}:${upstream.port}`)}
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location = ${MCP_PATH} {${forwardTo('mcp')}
      }
    }`
  const nginx = await startNginx({
    name: 'nginx',
    directory,
    core: PROXY_CORE,
    port,
    http,
    processes,
  })
  return {
    target: targetOn(port),
    pids: [nginx.pid],
    growing: [],
    log: nginx.log,
    stop: nginx.stop,
  }
}
