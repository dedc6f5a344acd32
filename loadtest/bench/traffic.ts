/** What is asked in every run and what the stub upstream answers, byte for byte. */

/** The tool that policy allows; `SEARCH` arguments make a body of 248 bytes. */
export const TOOL = 'search'
/** A tool that exists and that no rule allows. */
export const FORBIDDEN_TOOL = 'delete_index'

/** Tools in the stub's list, `TOOL` and `FORBIDDEN_TOOL` among them. */
const LISTED_TOOLS = 100

/** The measured call, 248 bytes. */
export const CALL_BODY = call(TOOL)
/** A call that a gateway with the policy of the bench must refuse. */
export const FORBIDDEN_BODY = call(FORBIDDEN_TOOL)
/** Asks for the list of tools; told from a call by its length. */
export const LIST_BODY = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

/** 312 bytes, as a search would answer. */
export const CALL_ANSWER = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  result: {
    content: [
      {
        type: 'text',
        text:
          '1. Quarterly report, revised 2026-09-30: revenue up 4 %, costs level. ' +
          '2. Board minutes of 2026-10-07: report was accepted with one remark. ' +
          '3. Outlook for the next quarter, draft: to be checked by finance before it goes out.',
      },
    ],
    isError: false,
  },
})

/** 25 KB, as a server with many tools answers. */
export const LIST_ANSWER = listAnswer(LISTED_TOOLS)

/** The answer of a server with so many tools, 250 bytes each. */
export function listAnswer(length: number): string {
  const tools = Array.from({ length }, (_, at) => ({
    name: toolName(at),
    description: `Tool number ${at} of the bench: looks something up in an index and says what it found.`,
    inputSchema: {
      type: 'object',
      properties: { query: { type: 'string' }, limit: { type: 'integer', minimum: 1 } },
      required: ['query'],
    },
  }))
  return JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } })
}

/** Names of the listed tools: the two above, then `tool_002` and so on. */
export function toolName(at: number): string {
  return [TOOL, FORBIDDEN_TOOL][at] ?? `tool_${String(at).padStart(3, '0')}`
}

function call(name: string): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name,
      arguments: {
        query: 'the quarterly report: revenue, costs and outlook, with the minutes of the board.',
        index: 'documents-of-the-finance-team-02',
        limit: 10,
        language: 'en',
      },
    },
  })
}
