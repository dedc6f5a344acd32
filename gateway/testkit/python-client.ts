/** A client of the Python SDK in a process of its own, driven from a test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { ROOT } from './child.ts'

/** Made by `make py`. */
const PYTHON = `${ROOT}.cache/py/bin/python`

export type PythonAnswer = {
  readonly ok?: Readonly<Record<string, unknown>>
  readonly error?: {
    readonly type: string
    readonly code: number | null
    readonly message: string
  }
  /** How long the client took for it. */
  readonly ms: number
}

export type PythonClient = {
  /** What `initialize` answered. */
  readonly hello: PythonAnswer
  /** Calls a method of the SDK's session. */
  ask(method: string, args?: Readonly<Record<string, unknown>>): Promise<PythonAnswer>
  /** Ends the session and the process; resolves with its exit code. */
  close(): Promise<number>
}

/** Connects; a connection that fails is an answer too. */
export async function connectPython(
  url: string,
  token: string,
  transport: 'http' | 'sse' = 'http',
): Promise<PythonClient> {
  const child = spawn(PYTHON, [`${ROOT}gateway/testkit/python-client.py`], {
    env: { ...process.env, MCP_URL: url, MCP_TOKEN: token, MCP_TRANSPORT: transport },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<PythonAnswer> => {
    const line = await lines.next()
    if (line.done === true) throw new Error('the Python client ended without an answer')
    return JSON.parse(line.value) as PythonAnswer
  }
  return {
    hello: await next(),
    ask: (method, args = {}) => {
      child.stdin.write(`${JSON.stringify({ do: method, args })}\n`)
      return next()
    },
    close: async () => {
      child.stdin.end()
      const [code] = (await exited) as [number | null]
      return code ?? -1
    },
  }
}
