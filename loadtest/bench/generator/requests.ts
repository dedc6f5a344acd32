/** Prepared request bytes, made before a run so that a run allocates nothing of its own. */

/** What requests are made of. */
export type RequestPlan = {
  readonly authority: string
  readonly path: string
  readonly body: string
  /** Tokens in turn; one request is prepared per token. */
  readonly tokens: readonly string[]
}

/** A session-less legacy call as a fetch-based client writes it: nine headers. */
export function callRequests(plan: RequestPlan): Buffer[] {
  return plan.tokens.map((token) =>
    Buffer.from(
      `POST ${plan.path} HTTP/1.1\r\n` +
        `Host: ${plan.authority}\r\n` +
        'User-Agent: gatehouse-bench\r\n' +
        'Accept: application/json, text/event-stream\r\n' +
        'Accept-Language: *\r\n' +
        'Accept-Encoding: gzip, deflate\r\n' +
        'Content-Type: application/json\r\n' +
        'MCP-Protocol-Version: 2025-06-18\r\n' +
        `Authorization: Bearer ${token}\r\n` +
        `Content-Length: ${Buffer.byteLength(plan.body)}\r\n\r\n${plan.body}`,
    ),
  )
}

/** The GET that opens a legacy notification stream. */
export function streamRequest(plan: Omit<RequestPlan, 'body' | 'tokens'>, token: string): Buffer {
  return Buffer.from(
    `GET ${plan.path} HTTP/1.1\r\n` +
      `Host: ${plan.authority}\r\n` +
      'User-Agent: gatehouse-bench\r\n' +
      'Accept: text/event-stream\r\n' +
      'MCP-Protocol-Version: 2025-06-18\r\n' +
      `Authorization: Bearer ${token}\r\n\r\n`,
  )
}
