/**
 * An MCP server as people write them: the SDK, and the official libraries of Google Drive and Slack, which
 * it gives whatever `Authorization` a call came with. It knows no user but the one its token names.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

import { auth, drive } from '@googleapis/drive'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { WebClient } from '@slack/web-api'

import { oneText } from './conformance/schemas.ts'
import { startFetchServer, type FetchServer } from './fetch-server.ts'

export type OfficeServer = FetchServer & {
  /** Every `Authorization` that came with a call of a tool. */
  readonly seen: Set<string>
}

/**
 * @param google Origin of Google's APIs.
 * @param slack Origin of Slack's.
 */
export async function startOfficeServer(google: string, slack: string): Promise<OfficeServer> {
  const caller = new AsyncLocalStorage<string>()
  const seen = new Set<string>()
  const token = (): string => {
    const authorization = caller.getStore() ?? ''
    seen.add(authorization)
    return authorization.replace('Bearer ', '')
  }
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'office', version: '1.0.0' })
      server.registerTool(
        'search_drive',
        { description: 'Finds files in Google Drive', inputSchema: oneText('query') },
        async ({ query }) => {
          const client = new auth.OAuth2()
          client.setCredentials({ access_token: token() })
          const found = await drive({
            version: 'v3',
            auth: client,
            rootUrl: `${google}/`,
          }).files.list({
            q: `name contains '${query}'`,
          })
          const names = (found.data.files ?? []).map(({ name }) => name)
          return { content: [{ type: 'text', text: names.join(', ') }] }
        },
      )
      server.registerTool(
        'post_to_slack',
        { description: 'Posts to a Slack channel', inputSchema: oneText('text') },
        async ({ text }) => {
          const client = new WebClient(token(), { slackApiUrl: `${slack}/api/` })
          const { user } = await client.auth.test()
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
          await client.chat.postMessage({ channel: 'general', text })
          return { content: [{ type: 'text', text: `posted as ${user}` }] }
        },
      )
      return server
    },
    { legacy: 'stateless' },
  )
  const http = await startFetchServer((request) =>
    caller.run(request.headers.get('authorization') ?? '', () => handler.fetch(request)),
  )
  return { ...http, seen }
}
