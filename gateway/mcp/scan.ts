import { FRAME_BOUNDS, type Bounds } from './bounds.ts'
import type { Malformed } from './malformed.ts'
import type { Message } from './message.ts'

/** The messages of one frame, or why it is refused as a whole. */
export type Scan =
  | {
      readonly ok: true
      /** Whether the frame is an array; whether arrays are allowed is for the caller to know. */
      readonly batch: boolean
      readonly messages: readonly Message[]
    }
  | { readonly ok: false; readonly problem: Malformed }

/** Reads one frame. */
export function scan(bytes: Uint8Array, bounds: Bounds = FRAME_BOUNDS): Scan {
  if (bytes.length > bounds.maxStringBytes * 4) return parseError()
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const batch = Array.isArray(value)
    const list: readonly unknown[] = batch ? value : [value]
    return { ok: true, batch, messages: list.map((item) => naive(item, bytes.length)) }
  } catch {
    return parseError()
  }
}

function parseError(): Scan {
  return { ok: false, problem: { code: 'parse_error', message: 'Parse error' } }
}

function naive(item: unknown, end: number): Message {
  const record = asRecord(item) ?? {}
  const id = record['id']
  const method = record['method']
  const params = asRecord(record['params'])
  const meta = asRecord(params?.['_meta'])
  const version = meta?.['io.modelcontextprotocol/protocolVersion']
  return {
    kind: typeof method !== 'string' ? 'response' : id === undefined ? 'notification' : 'request',
    span: { start: 0, end },
    id:
      typeof id === 'string' || typeof id === 'number'
        ? { text: JSON.stringify(id), value: id, span: { start: 0, end: 0 } }
        : undefined,
    method: asText(method) ?? '',
    params:
      params === undefined
        ? undefined
        : {
            name: asText(params['name']),
            uri: asText(params['uri']),
            taskId: asText(params['taskId']),
            level: asText(params['level']),
            requestState: asText(params['requestState']),
            protocolVersion: asText(params['protocolVersion']),
            requestId: undefined,
            ref: undefined,
            listening: undefined,
            meta:
              meta === undefined
                ? undefined
                : {
                    claimsModern: version !== undefined,
                    protocolVersion: asText(version),
                    clientCapabilities:
                      asRecord(meta['io.modelcontextprotocol/clientCapabilities']) !== undefined,
                  },
            arguments: undefined,
            argumentsFit: true,
            spans: {},
          },
    outcome: typeof method === 'string' ? undefined : 'error' in record ? 'error' : 'result',
  }
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined
}
