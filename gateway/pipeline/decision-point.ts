/**
 * Asks external decision points, with a bound on how many questions are open at once, and remembers
 * answers only where the operator says for how long. Whatever goes wrong is a no.
 */
import type { DecisionPoint } from '../model/decision-point.ts'
import { messageOf } from '../model/message-of.ts'
import { type EvaluationAnswer, readEvaluation } from '../policy/authzen.ts'

/** Answers remembered at one decision point; the oldest goes. */
const MAX_REMEMBERED = 10_000

/** As `egress/post-json.ts` makes it. */
export type Post = (question: {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
}) => Promise<Readonly<Record<string, unknown>>>

/** Resolves with an answer or why there is none; never rejects. */
export type AskPoint = (
  point: DecisionPoint,
  question: { readonly body: string; readonly requestId: string },
) => Promise<EvaluationAnswer>

/** @param tick Monotonic milliseconds. */
export function createAskPoint({
  post,
  tick,
}: {
  readonly post: Post
  readonly tick: () => number
}): AskPoint {
  const states = new WeakMap<DecisionPoint, State>()
  return async (point, { body, requestId }) => {
    let state = states.get(point)
    if (state === undefined) states.set(point, (state = { open: 0, remembered: new Map() }))
    const known = point.cacheMs > 0 ? state.remembered.get(body) : undefined
    if (known !== undefined && tick() < known.untilTick) return known.answer
    if (state.open >= point.maxConcurrent) {
      return { ok: false, why: `${state.open} questions are open, which is as many as may be` }
    }
    state.open += 1
    try {
      const headers = { 'x-request-id': requestId, ...bearer(point) }
      const { url, timeoutMs } = point
      const answer = readEvaluation(await post({ url, body, headers, timeoutMs }))
      if (answer.ok && point.cacheMs > 0) {
        remember(state, body, { answer, untilTick: tick() + point.cacheMs })
      }
      return answer
    } catch (error) {
      return { ok: false, why: messageOf(error) }
    } finally {
      state.open -= 1
    }
  }
}

type Remembered = { readonly answer: EvaluationAnswer; readonly untilTick: number }

type State = { open: number; readonly remembered: Map<string, Remembered> }

function bearer({ token }: DecisionPoint): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }
}

function remember({ remembered }: State, body: string, entry: Remembered): void {
  remembered.delete(body)
  remembered.set(body, entry)
  const [oldest] = remembered.keys()
  if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
}
