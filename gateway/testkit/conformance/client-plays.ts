/** What each client scenario of the official suite waits for. */
import { setTimeout as pause } from 'node:timers/promises'

import type { Client } from '@modelcontextprotocol/client'

type Scene = {
  readonly client: Client
  /** What the scenario passes on, such as the calls to make. */
  readonly context: unknown
}

export type Play = (scene: Scene) => Promise<unknown>

/** Long enough for a client to have opened the stream it listens on. */
const LISTENING_MS = 500

const call = (client: Client, name: string, args: object = {}): Promise<unknown> =>
  client.callTool({ name, arguments: { ...args } })

const listTools: Play = ({ client }) => client.listTools()

/** Calls every tool that the client keeps of the list. */
const callAll: Play = async ({ client }) => {
  const { tools } = await client.listTools()
  for (const { name } of tools) await call(client, name, { region: 'eu', value: 'a' })
}

/** By scenario: what a client does once it is connected. */
export const PLAYS: Readonly<Record<string, Play>> = {
  initialize: listTools,
  'request-metadata': listTools,
  'json-schema-ref-no-deref': listTools,
  tools_call: async ({ client }) => {
    await client.listTools()
    await call(client, 'add_numbers', { a: 2, b: 3 })
  },
  'elicitation-sep1034-client-defaults': callAll,
  'sse-retry': async (scene) => {
    // The scenario takes the next GET after the call for the client's return: its listening stream must be there.
    await pause(LISTENING_MS)
    await callAll(scene)
  },
  'http-invalid-tool-headers': callAll,
  'sep-2322-client-request-state': async ({ client }) => {
    const { tools } = await client.listTools()
    // One of them answers without a resultType, which the SDK does not take.
    await Promise.allSettled(tools.map(({ name }) => call(client, name)))
  },
  'http-standard-headers': async ({ client }) => {
    const { tools } = await client.listTools()
    for (const { name } of tools) await call(client, name)
    const { resources } = await client.listResources()
    for (const { uri } of resources) await client.readResource({ uri })
    const { prompts } = await client.listPrompts()
    for (const { name } of prompts) await client.getPrompt({ name })
  },
  'http-custom-headers': async ({ client, context }) => {
    await client.listTools()
    const { toolCalls } = context as { toolCalls: { name: string; arguments: object }[] }
    for (const { name, arguments: args } of toolCalls) await call(client, name, args)
  },
  'json-schema-2020-12-preservation': async ({ client }) => {
    const { tools } = await client.listTools()
    const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
    await call(client, 'json_schema_echo', { schema })
  },
}
