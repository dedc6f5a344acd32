/**
 * What a span says about a call. Names follow the MCP conventions of OpenTelemetry (status:
 * development), kept here because the published constants are deprecated; our own start with
 * `gatehouse.`. Arguments and results are never part of a span.
 */
import type { TargetKind } from '../model/call.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import { outcomeOf } from '../model/outcome.ts'
import { OTHER } from './labels.ts'

export type SpanAttributes = Record<string, string | number>

/** Longest text of an attribute, in characters. */
export const MAX_ATTRIBUTE_CHARS = 512

/** `{method} {tool or prompt}`; names no list shows are left out, callers can make up any number. */
export function spanName({ call, label }: JourneyCall): string {
  const method = call.method === '' ? call.kind : call.method
  const named = method === 'tools/call' || method === 'prompts/get'
  return named && label !== '' && label !== OTHER ? `${method} ${label}` : method
}

/** @param identify Whether the caller is named, or only its kind. */
export function spanAttributes(
  journey: Journey,
  call: JourneyCall,
  identify: 'kind' | 'subject',
): SpanAttributes {
  const { caller, rpcError } = journey
  const named = identify === 'subject' ? caller : undefined
  return {
    ...asked(call),
    ...texts({
      'gatehouse.decision': call.effect,
      'gatehouse.rule': call.rule,
      'gatehouse.reason': call.reason,
      'gatehouse.outcome': outcomeOf(journey, call),
      'gatehouse.server': journey.server,
      'gatehouse.caller.kind': caller?.kind,
      'gatehouse.caller.issuer': named?.issuer,
      'gatehouse.caller.subject': named?.subject,
      'gatehouse.caller.client': named?.client,
      'client.address': journey.address,
      'rpc.response.status_code': rpcError === undefined ? undefined : String(rpcError),
      'error.type': errorType(journey, call),
    }),
    ...(journey.status === 0 ? {} : { 'http.response.status_code': journey.status }),
    ...(journey.attempts > 1 ? { 'gatehouse.attempts': journey.attempts } : {}),
  }
}

/** Why a call failed, in few words; undefined when it did not. */
export function errorType(journey: Journey, call: JourneyCall): string | undefined {
  const outcome = outcomeOf(journey, call)
  if (outcome === 'ok') return undefined
  if (outcome !== 'error') return journey.refusal ?? outcome
  return String(journey.rpcError ?? journey.upstreamStatus)
}

function asked({ id, call }: JourneyCall): SpanAttributes {
  const [target] = call.targets
  const named = (kind: TargetKind): string | undefined =>
    target?.kind === kind ? target.name : undefined
  return texts({
    'gatehouse.call.id': id,
    'mcp.method.name': call.method,
    'mcp.protocol.version': call.version,
    'jsonrpc.request.id': call.id?.replaceAll(/^"|"$/g, ''),
    'gen_ai.operation.name': call.method === 'tools/call' ? 'execute_tool' : undefined,
    'gen_ai.tool.name': named('tool'),
    'gen_ai.prompt.name': named('prompt'),
    'mcp.resource.uri': named('resource'),
  })
}

/** What is known of these, each at most 512 characters long. */
function texts(values: Readonly<Record<string, string | undefined>>): SpanAttributes {
  const known: SpanAttributes = {}
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') known[name] = value.slice(0, MAX_ATTRIBUTE_CHARS)
  }
  return known
}
