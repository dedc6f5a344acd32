/** Tools of the official suite that answer in one round. */
import { setTimeout as pause } from 'node:timers/promises'

import type {
  CallToolResult,
  McpHttpHandler,
  McpServer,
  ServerContext,
} from '@modelcontextprotocol/server'
import { fromJsonSchema } from '@modelcontextprotocol/server'

import { PIXEL_PNG, SILENT_WAV } from './media.ts'
import { RICH_SCHEMA } from './schemas.ts'

type Content = CallToolResult['content'][number]
type Run = (context: ServerContext) => Promise<CallToolResult> | CallToolResult

/** Longer than a client could take for one write, short enough for a test. */
const STEP_MS = 50

const text = (words: string): Content => ({ type: 'text', text: words })
const image: Content = { type: 'image', data: PIXEL_PNG, mimeType: 'image/png' }
const saying = (words: string): CallToolResult => ({ content: [text(words)] })

const FIXED: Readonly<Record<string, readonly Content[]>> = {
  test_simple_text: [text('This is a simple text response for testing.')],
  test_image_content: [image],
  test_audio_content: [{ type: 'audio', data: SILENT_WAV, mimeType: 'audio/wav' }],
  test_embedded_resource: [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ],
  test_multiple_content_types: [
    text('Multiple content types test:'),
    image,
    {
      type: 'resource',
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: JSON.stringify({ test: 'data', value: 123 }),
      },
    },
  ],
}

const MADE: Readonly<Record<string, Run>> = {
  test_error_handling: () => {
    throw new Error('This tool intentionally returns an error for testing')
  },
  test_tool_with_logging: async ({ mcpReq }) => {
    const steps = ['Tool execution started', 'Tool processing data', 'Tool execution completed']
    for (const step of steps) {
      await mcpReq.log('info', step)
      await pause(STEP_MS)
    }
    return saying('Logged three messages')
  },
  // The SDK holds the message back from a modern client that asked for no level.
  test_logging_tool: async ({ mcpReq }) => {
    await mcpReq.log('info', 'Only for those who asked')
    return saying('Logged for those who asked')
  },
  test_tool_with_progress: async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      await pause(STEP_MS)
      if (progressToken === undefined) continue
      const params = { progressToken, progress, total: 100 }
      await mcpReq.notify({ method: 'notifications/progress', params })
    }
    return saying('Made progress')
  },
  test_reconnection: async ({ http }) => {
    http?.closeSSE?.()
    await pause(2 * STEP_MS)
    return saying('Answered after the stream was closed')
  },
}

/** @param notify Tells whoever listens that lists have changed. */
export function registerTools(server: McpServer, notify: McpHttpHandler['notify']): void {
  for (const [name, content] of Object.entries(FIXED)) {
    server.registerTool(name, { description: describe(name) }, () => ({ content: [...content] }))
  }
  for (const [name, run] of Object.entries(MADE)) {
    server.registerTool(name, { description: describe(name) }, run)
  }
  server.registerTool('test_trigger_tool_change', { description: 'Changes the tools' }, () => {
    notify.toolsChanged()
    return saying('The tools have changed')
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Changes the prompts' }, () => {
    notify.promptsChanged()
    return saying('The prompts have changed')
  })
  registerWithSchemas(server)
}

function registerWithSchemas(server: McpServer): void {
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Tool with JSON Schema 2020-12 features',
      inputSchema: fromJsonSchema(RICH_SCHEMA),
    },
    () => saying('Fits the schema'),
  )
  const region = { type: 'string', 'x-mcp-header': 'Region' }
  server.registerTool(
    'test_header_parameter',
    {
      description: 'Its argument is mirrored in a header',
      inputSchema: fromJsonSchema<{ readonly region: string }>({
        type: 'object',
        properties: { region },
        required: ['region'],
      }),
    },
    ({ region: named }) => saying(`Region ${named}`),
  )
}

function describe(name: string): string {
  return name.replaceAll('_', ' ')
}
