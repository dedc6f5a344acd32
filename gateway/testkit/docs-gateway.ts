/** What many tests begin with: a recording server, a gateway in front of it, and a token for it. */
import { allowAll, startGatehouse, type TestGatehouse } from './gatehouse.ts'
import { type RecordingServer, startRecordingServer } from './recording-server.ts'
import { callTool, post, type Reply } from './rpc.ts'
import { stopAll } from './stop-all.ts'

/** All of it running, and shorthands for asking it. */
export type DocsGateway = {
  readonly server: RecordingServer
  readonly gateway: TestGatehouse
  /** Of the server, which is called `docs`. */
  readonly url: string
  readonly token: string
  /** Posts a message with the token; a call of `echo` by default. */
  send(body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>
  stop(): Promise<void>
}

export type DocsGatewayOptions = {
  /** Of the entry of the server in the configuration; by default it may be called before it has listed. */
  readonly docs?: Readonly<Record<string, unknown>>
  /** By default everything of it is allowed to everybody. */
  readonly rules?: Parameters<typeof startGatehouse>[0]['rules']
}

/** Leaves nothing behind when it rejects. */
export async function startDocsGateway(options: DocsGatewayOptions = {}): Promise<DocsGateway> {
  const { docs = { unlisted: 'allow' }, rules = [allowAll('docs')] } = options
  const server = await startRecordingServer()
  let gateway: TestGatehouse | undefined
  try {
    gateway = await startGatehouse({ servers: { docs: { upstream: server.url, ...docs } }, rules })
    const [url, token] = [gateway.url('docs'), await gateway.token('docs')]
    return {
      server,
      gateway,
      url,
      token,
      send: (body = callTool('echo'), headers = {}) => post(url, body, { token, headers }),
      stop: () => stopAll(gateway, server),
    }
  } catch (error) {
    await stopAll(gateway, server)
    throw error
  }
}
