/** Prompts and resources of the official suite. */
import type { GetPromptResult, McpServer } from '@modelcontextprotocol/server'
import { fromJsonSchema, ResourceTemplate } from '@modelcontextprotocol/server'

import { PIXEL_PNG } from './media.ts'
import { oneText } from './schemas.ts'

type Content = GetPromptResult['messages'][number]['content']

const said = (...contents: readonly Content[]): GetPromptResult => ({
  messages: contents.map((content) => ({ role: 'user', content })),
})

const text = (words: string): Content => ({ type: 'text', text: words })

export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'No arguments' }, () =>
    said(text('This is a simple prompt for testing.')),
  )
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'Two arguments',
      argsSchema: fromJsonSchema<{ readonly arg1: string; readonly arg2: string }>({
        type: 'object',
        properties: {
          arg1: { type: 'string', description: 'First test argument' },
          arg2: { type: 'string', description: 'Second test argument' },
        },
        required: ['arg1', 'arg2'],
      }),
    },
    ({ arg1, arg2 }) => said(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'Embeds a resource', argsSchema: oneText('resourceUri') },
    ({ resourceUri }) =>
      said(
        {
          type: 'resource',
          resource: {
            uri: resourceUri,
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
        text('Please process the embedded resource above.'),
      ),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'Shows an image' }, () =>
    said(
      { type: 'image', data: PIXEL_PNG, mimeType: 'image/png' },
      text('Please analyze the image above.'),
    ),
  )
}

export function registerResources(server: McpServer): void {
  const plain = { description: 'A text that never changes', mimeType: 'text/plain' }
  server.registerResource('static-text', 'test://static-text', plain, ({ href }) => {
    const words = 'This is the content of the static text resource.'
    return { contents: [{ uri: href, mimeType: 'text/plain', text: words }] }
  })
  const pixel = { description: 'A red pixel', mimeType: 'image/png' }
  server.registerResource('static-binary', 'test://static-binary', pixel, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: PIXEL_PNG }],
  }))
  const watched = { description: 'A text to subscribe to', mimeType: 'text/plain' }
  server.registerResource('watched', 'test://watched-resource', watched, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/plain', text: 'Watch this' }],
  }))
  server.registerResource(
    'data',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'Data by id', mimeType: 'application/json' },
    ({ href }, { id }) => {
      const data = { id: String(id), templateTest: true, data: `Data for ID: ${String(id)}` }
      return {
        contents: [{ uri: href, mimeType: 'application/json', text: JSON.stringify(data) }],
      }
    },
  )
}
