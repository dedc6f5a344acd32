/**
 * `make demo` and `make run`: a real, unmodified MCP server, the gateway in front of it, and a stock
 * MCP client, which registers and sends a person to sign in. `--stay` leaves both running and prints a
 * token to try things with.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { hashPassword } from '../identity/passwords.ts'
import type { Child } from './child.ts'
import { NODE, ROOT, startChild } from './child.ts'
import { DEMO_PORTS, isPortFree, takenPorts } from './demo-ports.ts'
import { startEverything } from './everything.ts'
import { connectFromNothing } from './demo-sign-in.ts'
import { ALICE } from './oauth-agent.ts'
import { connectV1 } from './sdk-client.ts'
import type { Signer } from './signer.ts'
import { createSigner } from './signer.ts'

const CONFIG = 'config/minimal.yaml'
const URL_OF_SERVER = `http://127.0.0.1:${DEMO_PORTS.gateway.port}/mcp`
const OPS = `http://127.0.0.1:${DEMO_PORTS.ops.port}`
/** The server itself, without the gateway. */
const DIRECT = `http://127.0.0.1:${DEMO_PORTS.server.port}/mcp`
const DIRECTORY = join(ROOT, '.cache/demo')
const ISSUER = 'http://127.0.0.1:8788'
/** Denied by a rule that discloses its reason, and simply not allowed by any rule. */
const FORBIDDEN_TOOL = 'get-env'
const HIDDEN_TOOL = 'toggle-simulated-logging'

const say = (text = ''): void => void process.stdout.write(`${text}\n`)
const title = (text: string): void =>
  say(`\n── ${text} ${'─'.repeat(Math.max(0, 74 - text.length))}`)

async function main(): Promise<void> {
  const stay = process.argv.includes('--stay')
  const taken = await takenPorts(Object.values(DEMO_PORTS), isPortFree)
  if (taken !== undefined) {
    process.stderr.write(`${taken}\n`)
    process.exitCode = 1
    return
  }
  const signer = await prepare()
  title('1  A real MCP server and the gateway in front of it')
  const everything = await startEverything(DEMO_PORTS.server.port)
  say(`@modelcontextprotocol/server-everything, unmodified   ${everything.url}`)
  say(
    '  While it runs it listens on all interfaces and asks nobody for a token: it is made that way.',
  )
  say('  Of your environment it gets PATH and HOME.')
  const gateway = startChild({
    command: NODE,
    args: [join(ROOT, 'gateway/cli/main.ts'), 'serve', '-c', join(ROOT, CONFIG)],
  })
  try {
    await gateway.waitFor(/gatehouse listens/)
    say(`gatehouse serve -c ${CONFIG}                    ${URL_OF_SERVER}`)
    if (stay) await remain(gateway, await mint(signer, 12 * 3_600))
    else await show()
  } finally {
    await gateway.stop()
    await everything.stop()
  }
}

/** A user who can sign in, and a throw-away signing key whose public half the configuration reads. */
async function prepare(): Promise<Signer> {
  await rm(DIRECTORY, { recursive: true, force: true })
  await mkdir(DIRECTORY, { recursive: true })
  const alice = { password: await hashPassword(ALICE.password), name: 'Alice' }
  await writeFile(
    join(DIRECTORY, 'users.yaml'),
    JSON.stringify({ version: 1, users: { [ALICE.name]: alice } }),
  )
  const signer = await createSigner('RS256', 'demo-key')
  await writeFile(join(DIRECTORY, 'jwks.json'), JSON.stringify({ keys: [signer.jwk] }))
  return signer
}

async function mint(signer: Signer, lifeSeconds: number): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  return await signer.sign({
    iss: ISSUER,
    aud: URL_OF_SERVER,
    sub: 'demo-agent',
    client_id: 'demo-agent',
    jti: crypto.randomUUID(),
    iat: nowSeconds,
    exp: nowSeconds + lifeSeconds,
  })
}

async function show(): Promise<void> {
  const before = await metrics()
  title('2  A stock MCP client that knows the URL alone; a person lets it in')
  const client = await connectFromNothing(URL_OF_SERVER, say)

  title('3  It lists tools and sees those the policy shows')
  const { tools } = await client.listTools()
  const direct = await connectV1(DIRECT, 'none')
  const all = await direct.listTools()
  say(`the server has ${all.tools.length}: ${all.tools.map(({ name }) => name).join(', ')}`)
  say(`the agent sees ${tools.length}: ${tools.map(({ name }) => name).join(', ')}`)

  title('4  An allowed call')
  say('tools/call echo {"message":"hello"}')
  say(JSON.stringify(await client.callTool({ name: 'echo', arguments: { message: 'hello' } })))

  title('5  Denied calls, and the same session goes on')
  say(`tools/call ${FORBIDDEN_TOOL}    (its rule says why: disclose: true)`)
  say(await client.callTool({ name: FORBIDDEN_TOOL }).then(JSON.stringify, errorText))
  say(`tools/call ${HIDDEN_TOOL}    (no rule allows it: it does not exist)`)
  say(await client.callTool({ name: HIDDEN_TOOL }).then(JSON.stringify, errorText))
  say('tools/call echo {"message":"still here"}')
  const again = await client.callTool({ name: 'echo', arguments: { message: 'still here' } })
  say(JSON.stringify(again))
  await client.close()
  await direct.close()

  title('6  A call without a token')
  const refused = await fetch(URL_OF_SERVER, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
  say(`HTTP ${refused.status}   WWW-Authenticate: ${refused.headers.get('www-authenticate')}`)
  say(await refused.text())

  title(`7  The metrics that moved (${OPS}/metrics)`)
  for (const line of moved(before, await metrics())) say(line)

  title('8  The audit log (.cache/demo/audit.jsonl): a decision and an outcome for each call')
  for (const line of await auditSummary()) say(line)
  await printNext()
}

async function remain(gateway: Child, token: string): Promise<void> {
  title('Point an MCP client at it (Ctrl+C here ends it)')
  say(`${URL_OF_SERVER}   sign in as ${ALICE.name}, password: ${ALICE.password}`)
  title('Or try it in another terminal, with a token of another issuer')
  say('The session id is in a header of the first answer, and every later call carries it.\n')
  for (const line of tryIt(token)) say(line)
  const relay = setInterval(() => flush(gateway), 200)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
    void gateway.exited.then(() => resolve())
  })
  clearInterval(relay)
}

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'me', version: '1' },
}

/** Lines to paste into a shell: a session, a call that is allowed, one that is not. */
function tryIt(token: string): readonly string[] {
  const message = (id: number, method: string, params: object): string =>
    `'${JSON.stringify({ jsonrpc: '2.0', id, method, params })}'`
  const echo = message(2, 'tools/call', { name: 'echo', arguments: { message: 'hello' } })
  const denied = message(3, 'tools/call', { name: FORBIDDEN_TOOL, arguments: {} })
  return [
    `TOKEN=${token}`,
    `mcp() { curl -s -w '\\n' ${URL_OF_SERVER} -H "Authorization: Bearer $TOKEN" \\`,
    `  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' "$@"; }`,
    `SESSION=$(mcp -D - -o /dev/null -d ${message(1, 'initialize', INITIALIZE)} \\`,
    `  | tr -d '\\r' | awk 'tolower($1) == "mcp-session-id:" { print $2 }')`,
    `mcp -H "Mcp-Session-Id: $SESSION" -d ${echo}`,
    `mcp -H "Mcp-Session-Id: $SESSION" -d ${denied}`,
    '',
    `curl -s ${OPS}/metrics | grep gatehouse_requests_total`,
    '',
    'Edit policies/everything.yaml: the gateway notices, and says so here.',
  ]
}

let relayed = 0

/** Passes on what the gateway has logged since the last time. */
function flush(gateway: Child): void {
  const text = gateway.output()
  if (text.length > relayed) process.stdout.write(text.slice(relayed))
  relayed = text.length
}

async function metrics(): Promise<ReadonlyMap<string, string>> {
  const text = await (await fetch(`${OPS}/metrics`)).text()
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    rows.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      line.slice(line.lastIndexOf(' ') + 1),
    ]),
  )
}

const SHOWN = /^gatehouse_(requests|decisions|tool_calls|tokens|sign_ins|consents)\w*_total/

function moved(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const lines: string[] = []
  for (const [name, value] of after) {
    if (SHOWN.test(name) && value !== '0' && before.get(name) !== value)
      lines.push(`${name} ${value}`)
  }
  return lines
}

/** Records are written every 100 ms. */
const AUDIT_SETTLES_MS = 300

const SUMMARY = ['type', 'method', 'targets', 'effect', 'rule', 'reason', 'outcome', 'status', 'ms']

async function auditSummary(): Promise<readonly string[]> {
  await new Promise((resolve) => setTimeout(resolve, AUDIT_SETTLES_MS))
  const text = await readFile(join(DIRECTORY, 'audit.jsonl'), 'utf8')
  const lines = text.split('\n').filter((line) => line !== '')
  const records = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  const calls = records.filter((record) => record['method'] === 'tools/call')
  const whole = calls.at(0)
  const summaries = calls.map((record) =>
    JSON.stringify(Object.fromEntries(SUMMARY.map((key) => [key, record[key]]))),
  )
  return [...summaries, '', 'One of them whole:', JSON.stringify(whole, undefined, 1)]
}

async function printNext(): Promise<void> {
  title('What to try next')
  say('make run                              the same, and it stays up')
  say('gateway/gatehouse check -c config/minimal.yaml')
  say('                                      check a configuration')
  say('gateway/gatehouse policy test policies/*.yaml')
  say('                                      run the cases beside the policies')
  say('gateway/gatehouse audit verify .cache/demo/audit.jsonl')
  say('                                      check that the audit log is whole')
  say('$EDITOR policies/everything.yaml      let agents have get-env, and run the demo again')
  say('README.md                             put it in front of your own server')
}

function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

await main()
