/**
 * Two gateway processes on one store, behind a balancer that sends each request to the other one than the last:
 * one authorization server. And what must hold of it wherever its steps happen.
 */
import assert from 'node:assert/strict'

import { startOwnIssuer } from './authorization-server.ts'
import type { Balancer } from './balancer.ts'
import { startBalancer, WHICH } from './balancer.ts'
import { FormRobot } from './form-robot.ts'
import { freePort } from './free-port.ts'
import type { TestGatehouse } from './gatehouse.ts'
import { allowAll } from './gatehouse.ts'
import type { Reply, Tokens } from './oauth-agent.ts'
import { OauthAgent } from './oauth-agent.ts'
import { startRecordingServer } from './recording-server.ts'
import { ringEntry } from './replicas.ts'
import { callTool, post } from './rpc.ts'

/** Refreshes of one agent at the same time. */
export const REFRESHES_AT_ONCE = 20

export type TwoIssuers = {
  readonly balancer: Balancer
  readonly gateways: readonly TestGatehouse[]
  /** A new client of it. */
  agent(): OauthAgent
  /** What a call with this token is answered at one of them: 0 or 1. */
  statusAt(which: number, token: string): Promise<number>
  stop(): Promise<void>
}

export type TwoIssuersOptions = {
  /** The section `state` of both. */
  readonly state: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  /** Of the section `authorization_server`. */
  readonly section?: Readonly<Record<string, unknown>>
  readonly balancer?: Balancer
  /** Extra arguments for Node itself. */
  readonly nodeArgs?: readonly string[]
}

export async function startTwoIssuers(options: TwoIssuersOptions): Promise<TwoIssuers> {
  const upstream = await startRecordingServer()
  const balancer = options.balancer ?? (await startBalancer())
  const env = { GATEHOUSE_KEYS: ringEntry('k1'), ...options.env }
  const gateways: TestGatehouse[] = []
  for (const port of [await freePort(), await freePort()]) {
    balancer.ports.push(port)
    const gateway = await startOwnIssuer({
      servers: { docs: upstream.url },
      rules: [allowAll('docs')],
      section: { registration: { per_minute: 1_000 }, ...options.section },
      env,
      nodeArgs: options.nodeArgs ?? [],
      config: { public_url: balancer.origin, listen: { port }, state: options.state },
    })
    gateways.push(gateway)
  }
  return {
    balancer,
    gateways,
    agent: () => new OauthAgent(balancer.origin),
    statusAt: async (which, token) => {
      const headers = { [WHICH]: String(which) }
      return (await post(`${balancer.origin}/mcp`, callTool('echo'), { token, headers })).status
    },
    stop: async () => {
      for (const gateway of gateways) await gateway.stop()
      await balancer.stop()
      await upstream.stop()
    },
  }
}

/** `fetch` that asks the process whose index `which` returns. */
export function fetchAt(which: () => number): typeof fetch {
  return (to, init) => {
    const headers = new Headers(init?.headers)
    headers.set(WHICH, String(which()))
    return fetch(to, { ...init, headers })
  }
}

/** An agent that was allowed to act, with its first tokens and how it gets more. */
export async function allowedAgent(agent: OauthAgent, robot = new FormRobot()) {
  const { json: client } = await agent.register({
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const url = await agent.consent(robot, agent.authorizeUrl(client.client_id))
  const code = url.searchParams.get('code') ?? ''
  const { status, json } = await agent.redeem(client.client_id, code)
  assert.equal(status, 200)
  const refresh = (token: string | undefined): Promise<Reply<Tokens>> =>
    agent.token({
      grant_type: 'refresh_token',
      client_id: client.client_id,
      refresh_token: token ?? '',
    })
  return { client: client.client_id, code, tokens: json, refresh }
}

/**
 * One agent that refreshes at both processes at once, round after round, each with a token of the round before:
 * nobody is refused, and the grant lives on.
 */
export async function raceRefreshes(issuers: TwoIssuers, rounds: number): Promise<void> {
  const { tokens, refresh } = await allowedAgent(issuers.agent())
  let last = tokens
  for (let round = 0; round < rounds; round += 1) {
    const race = await Promise.all(
      Array.from({ length: REFRESHES_AT_ONCE }, () => refresh(last.refresh_token)),
    )
    const statuses = new Set(race.map(({ status }) => status))
    assert.deepEqual([...statuses], [200], `round ${round}`)
    last = race[(round * 7) % race.length]!.json
  }
  const ends = [
    await issuers.statusAt(0, last.access_token),
    await issuers.statusAt(1, last.access_token),
  ]
  assert.deepEqual(ends, [200, 200])
}
