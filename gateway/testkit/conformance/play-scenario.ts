import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

import { allowAll, startGatehouse } from '../gatehouse.ts'
import type { Play } from './client-plays.ts'
import { PLAYS } from './client-plays.ts'

export type Scenario = {
  readonly scenario: string
  /** What the suite passes on. */
  readonly context: unknown
  /** Of the suite's server. */
  readonly url: string
  /** Whether to go through a gateway, which is started for it. */
  readonly through: boolean
}

/** Plays one client scenario of the official suite to its end. */
export async function playScenario({ scenario, context, url, through }: Scenario): Promise<void> {
  const play = PLAYS[scenario]
  if (play === undefined) throw new Error(`nobody knows what to do in ${scenario}`)
  if (!through) return connectAnd(play, context, { url, headers: {} })
  const gateway = await startGatehouse({
    // Names that the suite's servers list are called without having been listed.
    servers: { mock: { upstream: url, unlisted: 'allow' } },
    rules: [allowAll('mock'), { ...allowAll('mock'), id: 'asks', methods: ['elicitation/create'] }],
  })
  try {
    const headers = { Authorization: `Bearer ${await gateway.token('mock')}` }
    await connectAnd(play, context, { url: gateway.url('mock'), headers })
  } finally {
    await gateway.stop()
  }
}

type Where = { readonly url: string; readonly headers: Readonly<Record<string, string>> }

async function connectAnd(play: Play, context: unknown, { url, headers }: Where): Promise<void> {
  const client = new Client(
    { name: 'conformance-client', version: '1.0.0' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } } },
      versionNegotiation: { mode: 'auto' },
    },
  )
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }))
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  )
  await play({ client, context })
  await client.close()
}
