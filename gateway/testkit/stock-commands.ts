/**
 * Stock MCP clients that people start as commands, unmodified: `mcp-remote`, which makes any server look local
 * to hosts that speak standard input only, and the command line of the MCP Inspector. Both print the page they
 * would open in a browser; there is none here, so the test goes there as the person.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'

import type { Child } from './child.ts'
import { NODE, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { FormRobot } from './form-robot.ts'
import { OauthAgent } from './oauth-agent.ts'

/** Whoever listens here has the turn to run the Inspector, and how long others wait for it, in milliseconds. */
const INSPECTOR_TURN_PORT = 11_276
const INSPECTOR_TURN_MS = 60_000

/** How long a command may take to print what it waits for, in milliseconds. */
const PATIENCE_MS = 60_000

export type CommandOptions = {
  /** URL of the MCP server. */
  readonly url: string
  /** Where it keeps its credentials: who comes back to it comes back as the same client. */
  readonly home: string
  /** Further arguments. */
  readonly args?: readonly string[]
}

export type Remote = {
  /** A host that knows nothing of OAuth, connected through it. */
  readonly client: Client
  /** All it has said to its person. */
  readonly said: () => string
  close(): Promise<void>
}

/** Waits for a command to say something, and returns the first group of the pattern. */
export type Hear = (pattern: RegExp) => Promise<string>

/** What `mcp-remote` says when a person has to go to a page. */
export const REMOTE_ASKS = /by visiting:\s+(http\S+)/

/** What the Inspector says then. */
export const INSPECTOR_ASKS = /navigate to: (http\S+)/

/** Starts `mcp-remote` as a host does, and does meanwhile what a person would. */
export async function openRemote(
  { url, home, args = [] }: CommandOptions,
  person: (hear: Hear) => Promise<void>,
): Promise<Remote> {
  const transport = new StdioClientTransport({
    command: NODE,
    args: [commandOf('mcp-remote', 'dist/proxy.js'), url, ...args],
    env: { ...withoutBrowser(home), MCP_REMOTE_CONFIG_DIR: join(home, 'mcp-remote') },
    stderr: 'pipe',
  })
  let text = ''
  // It is a stream before the process is there, so that nothing it says is missed.
  const stderr = transport.stderr as Readable | null
  stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const client = new Client({ name: 'host', version: '1.0.0' })
  const hear: Hear = (pattern) => eventually(() => firstGroup(pattern, text), PATIENCE_MS)
  try {
    await Promise.all([client.connect(transport), person(hear)])
  } catch (error) {
    await client.close()
    throw new Error(`mcp-remote did not get there: ${text}`, { cause: error })
  }
  return { client, said: () => text, close: () => client.close() }
}

/**
 * Starts the Inspector for one call of `echo`; its output ends with the result, its code is 0. It waits for
 * its person at a port that is always the same, so that there is one at a time on the machine.
 */
export async function startInspector(options: CommandOptions): Promise<Child> {
  const turn = createServer()
  await eventually(async () => {
    turn.listen(INSPECTOR_TURN_PORT, '127.0.0.1')
    await once(turn, 'listening')
  }, INSPECTOR_TURN_MS)
  const inspector = runInspector(options)
  void inspector.exited.finally(() => turn.close())
  return inspector
}

function runInspector({ url, home, args = [] }: CommandOptions): Child {
  const entry = commandOf('@modelcontextprotocol/inspector', 'clients/cli/build/index.js')
  const call = ['--method', 'tools/call', '--tool-name', 'echo', '--format', 'json']
  return startChild({
    command: NODE,
    args: [entry, '--server-url', url, '--transport', 'http', ...call, ...args],
    inherit: [],
    env: {
      ...withoutBrowser(home),
      MCP_STORAGE_DIR: join(home, 'inspector'),
      MCP_INSPECTOR_SECRET_STORE: 'file',
      // Says that a person is there, who is asked only where that is so.
      MCP_AUTO_OPEN_ENABLED: 'true',
    },
  })
}

/** Signs in and allows everything at the page, then goes where the browser is sent: to the waiting command. */
export async function allowAt(page: string): Promise<void> {
  const agent = new OauthAgent(new URL(page).origin)
  const back = await agent.consent(new FormRobot(), page)
  const response = await fetch(back)
  if (!response.ok) throw new Error(`${back.origin} answers ${response.status}`)
}

/** The first argument after `BROWSER` is opened by nobody, and no browser of the machine is found. */
function withoutBrowser(home: string): Record<string, string> {
  return { HOME: home, PATH: home, BROWSER: 'none' }
}

function commandOf(name: string, script: string): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve(`${name}/package.json`)), script)
}

function firstGroup(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`it has not said ${String(pattern)}:\n${text}`)
  return found
}
