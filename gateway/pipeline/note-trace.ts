/** The trace that a message names itself, in its `_meta` (MCP 2026-07-28; SEP-414). It is read, never written. */
import type { Desk } from './desk.ts'
import type { Frame } from './frame.ts'

/**
 * Lets the visit join the trace of its first message. Headers of the same trace are nearer to us and stay:
 * they name the sending of the message, which is a child of what the message names.
 */
export function noteTrace(
  { content, seat: { journey } }: Frame,
  desk: Pick<Desk, 'parseTrace' | 'startTrace'>,
): void {
  const meta = content.kind === 'message' ? content.message.params?.meta : undefined
  if (meta?.traceparent === undefined || journey.calls.length > 0) return
  const trace = desk.parseTrace(meta.traceparent, meta.tracestate)
  if (trace === undefined || trace.traceId === journey.trace?.traceId) return
  journey.trace = trace
  desk.startTrace(journey)
}
