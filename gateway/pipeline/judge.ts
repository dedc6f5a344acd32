/**
 * Steps 4 to 6: may this frame pass? Every entrance calls this one function: a POST body, each
 * element of a batch, the opening and ending of a stream, and each frame a server sends down. There
 * is no other way to a permit.
 */
import type { Caller } from '../model/caller.ts'
import type { Call } from '../model/call.ts'
import type { JourneyCall } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { askForAll } from './ask-again.ts'
import { authorize, permitAll } from './authorize.ts'
import { noteDeclared, refuseAstray, refuseUndeclared } from './declared.ts'
import type { JudgeDesk } from './desk.ts'
import type { Batch, Frame, Seat } from './frame.ts'
import { readFrame } from './frame.ts'
import { type Asker, nameTasks } from './name-tasks.ts'
import { nameTools } from './name-tools.ts'
import { noteTrace } from './note-trace.ts'
import { oblige } from './oblige.ts'
import { openTill } from './till.ts'

/** @throws {Refusal} when it may not pass; the journey then says why. */
export async function judge(
  frame: Frame | Batch,
  caller: Caller,
  desk: JudgeDesk,
): Promise<Permit> {
  if ('messages' in frame) return await judgeEach(frame, caller, desk)
  const { seat } = frame
  const isUp = frame.direction === 'up'
  if (isUp) {
    noteDeclared(frame)
    noteTrace(frame, desk)
  }
  const read = readFrame(frame, desk.eras)
  const call = withFacts(read, { caller, seat }, desk)
  const entry = enter(seat, call, desk)
  if (!isUp) {
    refuseUndeclared(frame, entry)
    refuseAstray(frame, entry)
  }
  const asked = { caller, call, entry, seat, frame: bytesOf(frame) }
  let permit: Permit
  try {
    const authorized = authorize(asked, desk)
    permit = authorized instanceof Promise ? await authorized : authorized
  } finally {
    if (entry.obligations !== undefined) oblige(asked, entry.obligations, desk)
  }
  const committed = commit(seat, entry, desk)
  if (committed !== undefined) await committed
  return permit
}

/** The call with what policy must know of its targets beyond their names; most need nothing. */
function withFacts(call: Call, asker: Asker, desk: JudgeDesk): Call {
  switch (call.targets.at(-1)?.kind) {
    case 'task':
      return nameTasks(call, asker, desk)
    case 'resource':
      return nameTools(call, asker.seat.server, desk)
    default:
      return call
  }
}

/**
 * All of an array is judged, so that each call has its records; one refused message refuses it whole, and what
 * the others took is given back.
 */
async function judgeEach(
  { seat, messages }: Batch,
  caller: Caller,
  desk: JudgeDesk,
): Promise<Permit> {
  const requests = messages.filter(({ kind }) => kind === 'request')
  seat.batch = requests.map(({ id }) => id?.text ?? '')
  const till = openTill(desk)
  const permits: Permit[] = []
  const refusals: Refusal[] = []
  const each = new Map<string, Refusal>()
  for (const message of messages) {
    try {
      const content = { kind: 'message', message } as const
      permits.push(await judge({ seat, direction: 'up', content }, caller, till.desk))
    } catch (error) {
      // What cannot be recorded is not this message's fault.
      if (!(error instanceof Refusal) || error.code === 'audit_unavailable') {
        await till.giveBack()
        throw error
      }
      refusals.push(error)
      if (message.kind === 'request' && message.id !== undefined) each.set(message.id.text, error)
    }
  }
  const [first] = refusals
  if (first === undefined) return permitAll(permits)
  await till.giveBack()
  // What the client can get, to come back with it, it reads in the challenge.
  throw (
    askForAll(refusals) ?? new Refusal(first.code, { ...first.extra, message: first.message, each })
  )
}

function bytesOf({ content }: Frame): Uint8Array | undefined {
  return content.kind === 'message' ? content.message.bytes : undefined
}

/** The place of this call in the journey. A server's notifications and replies take none. */
function enter(seat: Seat, call: Call, desk: JudgeDesk): JourneyCall {
  const entry: JourneyCall = {
    id: desk.newId(),
    call,
    effect: 'deny',
    rule: undefined,
    reason: undefined,
    shadow: undefined,
    decisionPoint: undefined,
    dropped: [],
    label: desk.catalogue.label(seat.server.name, call.targets[0]),
    config: desk.version,
    decision: undefined,
  }
  if (call.direction === 'up' || call.kind === 'request') seat.journey.calls.push(entry)
  return entry
}

/** Step 6: the decision is with audit before anything goes up. */
function commit({ journey }: Seat, entry: JourneyCall, desk: JudgeDesk): Promise<void> | undefined {
  if (journey.calls.at(-1) !== entry) return undefined
  const from = desk.tick()
  const committed = desk.record(journey, entry)
  if (committed !== undefined) {
    return committed.finally(() => void (journey.spentMs.record += desk.tick() - from))
  }
  journey.spentMs.record += desk.tick() - from
  return undefined
}
