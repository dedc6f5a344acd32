/** Gateways with one key ring and one Redis behind a balancer that takes them in turns and knows no affinity. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Bench } from '../bench.ts'
import { LOAD_CORE, PROXY_CORE } from '../constants.ts'
import { USUAL_SIZE } from '../variants/gatehouse-policy.ts'
import { forwardTo, startNginx, upstreamBlock } from '../variants/nginx-config.ts'
import { MCP_PATH, PORTS_PER_VARIANT, targetOn } from '../variants/variant.ts'
import { type Dimension, placeOf, type Point, startPoint } from './point.ts'

const MOST = 3

/** After those of the gateways: Redis, and the balancer. */
const [REDIS_AT, BALANCER_AT, PORTS] = [MOST * PORTS_PER_VARIANT, MOST * PORTS_PER_VARIANT + 1, 12]

/** What nobody reaches here, so that every call is counted, together, and none is refused. */
const LIMITS = { shared: true, callers: { agent: { rate: '100000/s', burst: 100_000 } } }

/** Redis and all gateways count, and share the proxy's core; the balancer is on that of the load. */
export const REPLICAS: Dimension = {
  name: 'replicas',
  sizes: [1, 2, MOST],
  ports: PORTS,
  warmUp: 20,
  start: async (bench, size, port) => {
    const redis = await startRedis(bench, port + REDIS_AT)
    const ring = path.join(bench.directory, `ring-${port}`)
    const key = randomBytes(32).toString('base64url')
    writeFileSync(ring, `k1:${key}\n`, { mode: 0o600 })
    const url = `redis://127.0.0.1:${port + REDIS_AT}`
    const sections = {
      public_url: `http://127.0.0.1:${port + BALANCER_AT}`,
      keys: { file: ring },
      state: { driver: 'redis', redis: { url } },
      limits: LIMITS,
    }
    const gateways: Point[] = []
    for (let at = 0; at < size; at += 1) {
      const own = port + at * PORTS_PER_VARIANT
      gateways.push(await startPoint(bench, own, { size: USUAL_SIZE, addition: { sections } }))
    }
    const each = gateways.map(({ running }) => running)
    const balancer = await startBalancer(bench, port + BALANCER_AT, each)
    const { call, tokensFile } = bench
    return {
      question: call,
      tokensFile,
      running: {
        target: targetOn(port + BALANCER_AT),
        pids: [redis.pid, ...each.flatMap(({ pids }) => pids)],
        growing: each.flatMap(({ growing }) => growing),
        log: balancer.log,
        stop: async () => {
          await balancer.stop()
          for (const { stop } of each) await stop()
          await redis.stop()
        },
      },
    }
  },
}

function startRedis({ processes }: Bench, port: number) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const name = `redis-${port}`
  return processes.start({ name, command: 'redis-server', args, core: PROXY_CORE, port })
}

function startBalancer(bench: Bench, port: number, gateways: readonly Point['running'][]) {
  const { directory, processes } = placeOf(bench, port)
  const addresses = gateways.map(({ target }) => `${target.host}:${target.port}`)
  const http = `
    ${upstreamBlock('gateways', ...addresses)}
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location = ${MCP_PATH} {${forwardTo('gateways', '$http_host')}
      }
    }`
  const name = `balancer-${port}`
  return startNginx({ name, directory, core: LOAD_CORE, port, http, processes })
}
