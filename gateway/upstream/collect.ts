/** How much of an answer is held back before it is passed on. These are all the uses there are. */

export type Collect = {
  readonly maxBytes: number
  /** What becomes of an answer above `maxBytes`. */
  readonly above: 'stream' | 'refuse'
  /**
   * Whether an event stream flows, without a deadline or within that of the exchange, or is collected
   * to its end like any other answer.
   */
  readonly events: 'flow' | 'flow_in_time' | 'collect'
}

/** The largest list that is held to be filtered. */
export const MAX_LIST_BYTES = 8 * 1_048_576

/** Small answers go on in one write, larger ones and streams as they come. */
export const COALESCED: Collect = { maxBytes: 65_536, above: 'stream', events: 'flow' }

/** What may hold names to be filtered is needed whole. */
export const WHOLE_LIST: Collect = { maxBytes: MAX_LIST_BYTES, above: 'refuse', events: 'flow' }

/** A list that the gateway itself asked for. */
export const OWN_LIST: Collect = { maxBytes: MAX_LIST_BYTES, above: 'refuse', events: 'collect' }

/** An answer that nobody reads. */
export const UNREAD: Collect = { maxBytes: 65_536, above: 'refuse', events: 'collect' }

/** An event stream that the gateway itself opens and reads. */
export const OWN_STREAM: Collect = { maxBytes: 65_536, above: 'refuse', events: 'flow_in_time' }
