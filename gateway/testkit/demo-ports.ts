/** The ports of the demo, and who has to be asked to free them. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port the demo needs. `host` is where its program listens; undefined is every interface. */
export type DemoPort = { readonly port: number; readonly host?: string; readonly use: string }

/** The ports of `config/minimal.yaml` and of the server behind it. */
export const DEMO_PORTS = {
  server: { port: 3001, use: 'the MCP server' },
  gateway: { port: 8787, host: '127.0.0.1', use: 'the gateway' },
  ops: { port: 9787, host: '127.0.0.1', use: "the gateway's ops port" },
} as const satisfies Record<string, DemoPort>

/**
 * Returns what to tell the user about ports that are taken, undefined when all are free. Ask before
 * anything is changed: the files of a demo that is still running are in use.
 */
export async function takenPorts(
  ports: readonly DemoPort[],
  isFree: (port: DemoPort) => Promise<boolean>,
): Promise<string | undefined> {
  const taken: DemoPort[] = []
  for (const port of ports) if (!(await isFree(port))) taken.push(port)
  const [first] = taken
  if (first === undefined) return undefined
  return [
    ...taken.map(({ port, use }) => `Port ${port}, for ${use}, is taken.`),
    'Another `make run` or `make demo`? End it with Ctrl+C in its terminal, then start this one again.',
    `Something else? \`lsof -nP -iTCP:${first.port} -sTCP:LISTEN\` says which process it is.`,
  ].join('\n')
}

/** Whether this process can listen there now. Rejects when that is not because of who has the port. */
export async function isPortFree({ port, host }: DemoPort): Promise<boolean> {
  const server = createServer()
  server.listen({ port, host, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
