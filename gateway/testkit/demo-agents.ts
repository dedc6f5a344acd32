/**
 * `make demo-agents`: a hundred agents register themselves at the gateway's own authorization server, get
 * a token each, call a tool of a real MCP server, and are cleaned up because nobody uses them any more.
 */
import { hash, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { startEverything } from './everything.ts'
import type { FleetAgent } from './fleet.ts'
import { startFleet } from './fleet.ts'
import { freePort } from './free-port.ts'
import type { TestGatehouse } from './gatehouse.ts'
import { startGatehouse } from './gatehouse.ts'
import { claimsOf } from './oauth-agent.ts'
import { connectV1 } from './sdk-client.ts'

const COUNT = 100
const IDLE_SECONDS = 10
/** Sessions opened side by side, so that the real server is not asked for a hundred at once. */
const AT_ONCE = 10

const say = (text = ''): void => void process.stdout.write(`${text}\n`)
const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

async function main(): Promise<void> {
  const everything = await startEverything(await freePort())
  const token = `ghr_${randomBytes(32).toString('base64url')}`
  const fleet = { sha256: hash('sha256', token), groups: ['fleet'], idle: `${IDLE_SECONDS}s` }
  const gateway = await startGatehouse({
    servers: { everything: everything.url },
    rules: [{ id: 'fleet', effect: 'allow', subjects: [{ groups: ['fleet'] }], tools: ['*/echo'] }],
    config: {
      issuers: [],
      authorization_server: { registration: { mode: 'token', tokens: { fleet } } },
    },
  })
  try {
    await show(gateway, token)
  } finally {
    await gateway.stop()
    await everything.stop()
  }
}

async function show(gateway: TestGatehouse, registrationToken: string): Promise<void> {
  const resource = gateway.url('everything')
  say(`gateway and authorization server   ${gateway.origin}`)
  say(`a real MCP server behind it        ${resource}\n`)
  const started = performance.now()
  const agents = await startFleet({
    origin: gateway.origin,
    resource,
    registrationToken,
    count: COUNT,
  })
  say(
    `${agents.length} agents registered and got a token each in ${seconds(started)}; the first one says:`,
  )
  say(`  ${JSON.stringify(claimsOf(agents[0]?.token ?? ''))}\n`)
  const calling = performance.now()
  const answers = await callAll(agents, resource)
  say(`${answers} of them called a tool with a stock client in ${seconds(calling)}\n`)
  say(`gatehouse clients list             ${await registered(gateway)} clients`)
  say(`nobody uses them any more; after ${IDLE_SECONDS} s …`)
  const deadline = performance.now() + 3 * IDLE_SECONDS * 1_000
  while ((await registered(gateway)) > 0 && performance.now() < deadline) await pause(500)
  const left = await registered(gateway)
  say(`gatehouse clients list             ${left} clients`)
  if (answers !== COUNT || left !== 0) process.exitCode = 1
}

/** Each agent connects and calls a tool; returns how many got their answer. */
async function callAll(agents: readonly FleetAgent[], url: string): Promise<number> {
  const waiting = [...agents]
  let answered = 0
  const work = async (): Promise<void> => {
    for (let agent = waiting.pop(); agent !== undefined; agent = waiting.pop()) {
      const client = await connectV1(url, agent.token)
      const result = await client.callTool({ name: 'echo', arguments: { message: agent.id } })
      if (JSON.stringify(result).includes(agent.id)) answered += 1
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return answered
}

async function registered(gateway: TestGatehouse): Promise<number> {
  const { json } = await gateway.admin('GET', '/admin/clients')
  const { clients } = json
  return Array.isArray(clients) ? clients.length : -1
}

await main()
