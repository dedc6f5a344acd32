import { StoreError } from './store-error.ts'

/** Listeners of one process over all topics; more is a leak of subscriptions. */
export const MAX_LISTENERS = 1000

type Listener = (message: string) => void

/** The subscribers of this process, for drivers that cannot reach other ones. */
export type Topics = {
  /** Calls every listener of the topic, at once, in the order they subscribed. */
  tell(topic: string, message: string): void
  /** Returns the function that ends the subscription; calling it again does nothing. */
  subscribe(topic: string, listener: Listener): () => void
  clear(): void
}

/** Makes an empty set of topics. A listener must not throw: messages are hints, and one that throws is passed over. */
export function createTopics(): Topics {
  // Subscriptions are objects of their own: the same function may subscribe twice.
  const topics = new Map<string, Set<{ readonly listener: Listener }>>()
  let count = 0

  return {
    tell(topic, message) {
      for (const { listener } of topics.get(topic) ?? []) {
        try {
          listener(message)
        } catch {
          // Neither the publisher nor the other listeners can mend it, and all poll besides.
        }
      }
    },
    subscribe(topic, listener) {
      if (count >= MAX_LISTENERS) throw new StoreError('full', `over ${MAX_LISTENERS} listeners`)
      const subscribed = topics.get(topic) ?? new Set()
      const subscription = { listener }
      topics.set(topic, subscribed.add(subscription))
      count += 1
      return () => {
        if (!subscribed.delete(subscription)) return
        count -= 1
        if (subscribed.size === 0 && topics.get(topic) === subscribed) topics.delete(topic)
      }
    },
    clear() {
      for (const subscribed of topics.values()) subscribed.clear()
      topics.clear()
      count = 0
    },
  }
}
