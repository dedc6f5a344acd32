/** Gatehouse as an operator runs it: RS256 tokens, 200 rules, metrics and audit on, to a file. */
import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROXY_CORE } from '../constants.ts'
import { ISSUER } from '../tokens.ts'
import { otherServers, policyTexts, type Size, USUAL_SIZE } from './gatehouse-policy.ts'
import { MCP_PATH, targetOn } from './variant.ts'
import type { Place, Running, Variant } from './variant.ts'

const PROGRAM = fileURLToPath(new URL('../../../gateway/cli/main.ts', import.meta.url))

/** The server's name in its policy. */
const SERVER = 'bench'

/** Its state store, in its directory. */
export const STATE_FILE = 'gatehouse.db'

/** What all this is about. */
export const GATEHOUSE: Variant = {
  name: 'gatehouse',
  needs: [],
  refuses: 'tokens_and_tools',
  start: (place) => startGatehouse(place, USUAL_SIZE),
}

/** The same, but for who reads requests. */
export const GATEHOUSE_NODE: Variant = {
  name: 'gatehouse, node front',
  needs: [],
  refuses: 'tokens_and_tools',
  start: (place) =>
    startGatehouse(place, USUAL_SIZE, {
      sections: { listen: { port: place.port, front: 'node' } },
    }),
}

/** What another way of running it adds to the configuration. */
export type Addition = {
  /** Sections besides those of `GATEHOUSE`. */
  readonly sections?: Readonly<Record<string, unknown>>
  /** Keys of the entry of the measured server besides its own. */
  readonly server?: Readonly<Record<string, unknown>>
}

/** Starts one with so many rules and servers. */
export async function startGatehouse(
  place: Place,
  size: Size,
  addition: Addition = {},
): Promise<Running> {
  const { port, directory, processes } = place
  const configFile = path.join(directory, 'gatehouse.yaml')
  const auditFile = path.join(directory, 'audit.jsonl')
  const policies = policyTexts(SERVER, size).map((text, at) => {
    const name = `policy-${at}.yaml`
    writeFileSync(path.join(directory, name), text)
    return name
  })
  // Every JSON document is YAML.
  const { sections, server } = addition
  const written = { ...config(place, size, { auditFile, server }), policies, ...sections }
  writeFileSync(configFile, JSON.stringify(written, undefined, 2))
  const gateway = await processes.start({
    name: 'gatehouse',
    command: process.execPath,
    args: [...(place.nodeArguments ?? []), PROGRAM, 'serve', '-c', configFile],
    core: PROXY_CORE,
    port,
  })
  return {
    target: targetOn(port),
    pids: [gateway.pid],
    growing: [...auditFiles(directory), gateway.log],
    log: gateway.log,
    stop: gateway.stop,
  }
}

/** One, or one for each worker. */
function auditFiles(directory: string): readonly string[] {
  const names = readdirSync(directory).filter((name) => /^audit(?:\.\d+)?\.jsonl$/.test(name))
  return names.map((name) => path.join(directory, name))
}

function config(
  { port, upstream, keys }: Place,
  size: Size,
  { auditFile, server }: { auditFile: string; server: Addition['server'] },
) {
  const url = `http://${upstream.host}:${upstream.port}${upstream.path}`
  return {
    version: 1,
    public_url: `http://127.0.0.1:${port}`,
    listen: { port },
    ops: { port: port + 1 },
    issuers: [{ issuer: ISSUER, jwks: { file: keys.jwksFile }, algorithms: ['RS256', 'ES256'] }],
    servers: {
      [SERVER]: {
        path: MCP_PATH,
        // The stub's idle streams hold a connection each.
        upstream: { url, max_connections: 20_000 },
        audiences: [keys.audience],
        ...server,
      },
      ...Object.fromEntries(otherServers(size).map((name) => [name, { upstream: url }])),
    },
    audit: { sink: auditFile },
    state: { driver: 'sqlite', file: STATE_FILE },
  }
}
