/**
 * How a caller is told that a person has to do something in a browser before its call can go on: open a
 * link, then try again. In the words of its era where its client said that it can open links, else as the
 * result of the tool or in the error, so that whoever reads it can.
 */
import { hash } from 'node:crypto'
import type { Capability } from '../mcp/capabilities.ts'
import type { Call } from '../model/call.ts'

/** What a person has to open, and why. */
export type PersonalLink = {
  /** Absolute. Holds no secret and nothing about the person that could be read. */
  readonly url: string
  /** For the person to read. */
  readonly message: string
  /** What it is about, as the client's key for the answer: `connect`, `approve`. */
  readonly purpose: string
}

/** URLElicitationRequired (MCP 2025-11-25, "Elicitation"). */
const URL_REQUIRED = -32042

/** What may be answered with a round (MCP 2026-07-28, "Multi Round-Trip Requests"). */
const ROUND_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

export type LinkAnswer = {
  readonly link: PersonalLink
  readonly call: Pick<Call, 'era' | 'method'>
  /** The JSON-RPC id as its bytes read. */
  readonly id: string
  readonly declared: readonly Capability[]
  /** What the client brings back with its retry, for the modern era. */
  readonly state: () => string
}

/**
 * The body that tells it, to be sent with HTTP 200; undefined where only an error can, which then has the
 * link in its message.
 */
export function linkAnswer({ link, call, id, declared, state }: LinkAnswer): string | undefined {
  const { message, purpose, url } = link
  const canOpen = declared.includes('elicitation_url')
  if (call.era === 'modern' && canOpen && ROUND_METHODS.has(call.method)) {
    const ask = { method: 'elicitation/create', params: { mode: 'url', message, url } }
    const requests = { [purpose]: ask }
    const result = { resultType: 'input_required', inputRequests: requests, requestState: state() }
    return envelope(id, 'result', result)
  }
  if (call.era === 'legacy' && canOpen) {
    const elicitationId = elicitationIdOf(url)
    const elicitations = [{ mode: 'url', elicitationId, url, message }]
    return envelope(id, 'error', { code: URL_REQUIRED, message, data: { elicitations } })
  }
  if (call.method !== 'tools/call') return undefined
  const content = [{ type: 'text', text: textOf(link) }]
  const type = call.era === 'modern' ? { resultType: 'complete' } : {}
  return envelope(id, 'result', { ...type, content, isError: true })
}

/** By what the client is told later that its person is done there; whoever asks again for the same is asked the same. */
export function elicitationIdOf(url: string): string {
  return hash('sha256', url, 'base64url')
}

/** The revision in which servers say that (MCP 2025-11-25, "Elicitation"); later ones have no such message. */
const COMPLETING_VERSION = '2025-11-25'

/** Whether a client that agreed on this version, and declared this, can be told that its person is done. */
export function hearsCompletion(
  version: string | undefined,
  declared: readonly Capability[] | undefined,
): boolean {
  return version === COMPLETING_VERSION && declared?.includes('elicitation_url') === true
}

/** The same in one sentence, for an error. */
export function textOf({ message, url }: PersonalLink): string {
  return `${message}: ${url}`
}

function envelope(id: string, kind: 'result' | 'error', value: object): string {
  return `{"jsonrpc":"2.0","id":${id},"${kind}":${JSON.stringify(value)}}`
}
