/**
 * Tells webhooks of decisions, behind the calls they are about. Each has a bounded queue; what does not fit
 * or cannot be delivered is dropped and counted. Nobody ever waits for it.
 */
import type { Delivery, Notice } from '../egress/post-notice.ts'
import type { Emit } from '../model/event.ts'
import type { Notification } from '../model/notification.ts'

/** Notices to one webhook that wait, at about a kilobyte each; further ones are dropped. */
export const MAX_WAITING = 1_000

/** Notices on their way to one webhook at a time. */
export const MAX_RUNNING = 4

/** Milliseconds before the second and the third attempt; there is no fourth. */
export const RETRY_AFTER_MS = [1_000, 5_000] as const

export type Notifier = {
  /** Queues a notice (JSON) and returns; never throws. */
  send(to: Notification, notice: string): void
  /** Takes no more, gives up retries, and resolves when nothing waits or is on its way. */
  close(): Promise<void>
}

type State = { readonly waiting: string[]; running: number; told: boolean }

export function createNotifier(options: {
  /** As `egress/post-notice.ts` makes it. */
  readonly post: (notice: Notice) => Promise<Delivery>
  readonly emit: Emit
  /**
   * Resolves after so many milliseconds or once `givenUp`, and never at once: nothing is sent before `send`
   * returns.
   */
  readonly wait: (ms: number, givenUp: AbortSignal) => Promise<void>
}): Notifier {
  const { post, emit, wait } = options
  const states = new WeakMap<Notification, State>()
  const workers = new Set<Promise<void>>()
  const ending = new AbortController()

  const drop = ({ name }: Notification, state: State, why: string): void => {
    emit({ type: 'notified', name, result: 'dropped' })
    if (state.told) return
    state.told = true
    emit({ type: 'warning', what: 'notifications_dropped', detail: `${name}: ${why}` })
  }
  const deliver = async (to: Notification, state: State, body: string): Promise<void> => {
    const { name, url, timeoutMs } = to
    const headers = Object.fromEntries([...to.headers].map(([key, text]) => [key, text.reveal()]))
    const notice = { url: url.reveal(), body, headers, timeoutMs }
    let delivery = await post(notice)
    for (const ms of RETRY_AFTER_MS) {
      if (delivery.ok || !delivery.mayRetry || ending.signal.aborted) break
      await wait(ms, ending.signal)
      if (ending.signal.aborted) break
      delivery = await post(notice)
    }
    if (!delivery.ok) return drop(to, state, delivery.why)
    state.told = false
    emit({ type: 'notified', name, result: 'delivered' })
  }
  const work = async (to: Notification, state: State): Promise<void> => {
    await wait(0, ending.signal)
    for (let body = state.waiting.shift(); body !== undefined; body = state.waiting.shift()) {
      await deliver(to, state, body)
    }
    state.running -= 1
  }

  return {
    send(to, notice) {
      let state = states.get(to)
      if (state === undefined) states.set(to, (state = { waiting: [], running: 0, told: false }))
      if (ending.signal.aborted) return drop(to, state, 'the gateway stops')
      if (state.waiting.length >= MAX_WAITING) {
        return drop(to, state, `${MAX_WAITING} notices wait, which is as many as may be`)
      }
      state.waiting.push(notice)
      if (state.running >= MAX_RUNNING) return
      state.running += 1
      const worker = work(to, state).finally(() => workers.delete(worker))
      workers.add(worker)
    },
    async close() {
      ending.abort()
      await Promise.all(workers)
    },
  }
}
