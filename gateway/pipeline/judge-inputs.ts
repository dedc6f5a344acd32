/**
 * What a server of the modern era asks of its client within a result (`inputRequests`) is judged like the
 * requests that other eras send on a stream. The result means nothing without any of them, so one that
 * may not pass refuses it whole.
 */
import type { Asking } from '../mcp/capabilities.ts'
import { Refusal, REFUSALS } from '../model/refusal.ts'
import type { Desk } from './desk.ts'
import { judge } from './judge.ts'
import { errorBody } from './error-body.ts'
import { noteRefusal } from './refuse.ts'
import { settleDown } from './settle-down.ts'
import type { Answered } from './show-message.ts'

/**
 * @param inputs What is asked, see `FilteredAnswer`.
 * @throws {Refusal} (rejects with) `policy_denied` for what this caller must not be asked,
 *   `upstream_unavailable` for what no server may ask.
 */
export async function judgeInputs(
  inputs: readonly Asking[],
  { permit, seat }: Answered,
  desk: Desk,
): Promise<void> {
  for (const asking of inputs) {
    try {
      const content = { kind: 'input', ...asking } as const
      await judge({ seat, direction: 'down', content }, permit.caller, desk)
    } catch (error) {
      throw reworded(error, asking.method)
    } finally {
      settleDown(seat.journey, desk)
    }
  }
}

/** For an answer whose head is out: the result, or the error that stands in its place. */
export async function showInputs(
  { bytes, inputs }: { readonly bytes: Uint8Array; readonly inputs: readonly Asking[] },
  answered: Answered,
  desk: Desk,
): Promise<Uint8Array> {
  const { permit, seat } = answered
  try {
    await judgeInputs(inputs, answered, desk)
    return bytes
  } catch (error) {
    const refusal = noteRefusal(error, seat)
    seat.journey.rpcError = REFUSALS[refusal.code].rpc
    if (seat.journey.ending === 'complete') seat.journey.ending = 'refused'
    return Buffer.from(errorBody(refusal, permit.call.id))
  }
}

/** The caller reads what happened to its call; a rule's own words go first. */
function reworded(error: unknown, method: string): unknown {
  if (!(error instanceof Refusal)) return error
  const { code, extra } = error
  if (code === 'unknown_method') {
    return new Refusal('upstream_unavailable', { detail: 'an input request of no known method' })
  }
  if (code !== 'policy_denied' || extra.message !== undefined) return error
  const message = `The server asks its client for ${method}, which policy does not allow here`
  return new Refusal('policy_denied', { message, detail: `input request ${method}` })
}
