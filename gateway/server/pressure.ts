/**
 * When the process has too much to do: from what is used of its resources to what it still takes on. First
 * no streams, which stay, then no requests at all, so that what runs can end. `docs/scaling.md` has the table.
 */

/** What is used, as it was found at one moment. Parts are of what there is, 0 to 1. */
export type Usage = {
  /** How late the event loop was over the last second, on average, in milliseconds. */
  readonly loopDelayMs: number
  readonly heap: number
  /** Resident, of what the container may use; 0 where nothing bounds it. */
  readonly memory: number
  readonly descriptors: number
}

export type Resource = keyof Usage

/** What is turned away: nothing, new streams, or everything new. */
export type Shedding = 'nothing' | 'streams' | 'everything'

export type Pressure = {
  readonly sheds: Shedding
  /** Which resource is the reason. */
  readonly resource: Resource | undefined
  /** How often in a row more was used than now allows. */
  readonly above: number
}

/** As it is when the process starts. */
export const NO_PRESSURE: Pressure = { sheds: 'nothing', resource: undefined, above: 0 }

/**
 * From where on streams, and then everything, is turned away. The heap is collected well before it is full,
 * so that most of what is above its mark is in use. A loop that is half a second late keeps every caller
 * waiting for that long, and more work only makes it later.
 */
export const MARKS: Readonly<Record<Resource, { streams: number; everything: number }>> = {
  loopDelayMs: { streams: 500, everything: 1_500 },
  heap: { streams: 0.85, everything: 0.93 },
  memory: { streams: 0.85, everything: 0.93 },
  descriptors: { streams: 0.8, everything: 0.92 },
}

/** A single look may fall into a pause that is over already: so many in a row must agree. */
const LOOKS = 2

/** Nothing is turned away any more below this part of a mark, or it would begin again at once. */
const CALM_PART = 0.9

const RESOURCES: readonly Resource[] = ['loopDelayMs', 'heap', 'memory', 'descriptors']
const RANK: Readonly<Record<Shedding, number>> = { nothing: 0, streams: 1, everything: 2 }

/** What follows from one more look at what is used. */
export function nextPressure(before: Pressure, usage: Usage): Pressure {
  const asks = worst(usage, 1)
  if (RANK[asks.sheds] > RANK[before.sheds]) {
    const above = before.above + 1
    return above < LOOKS ? { ...before, above } : { ...asks, above: 0 }
  }
  const stays = worst(usage, CALM_PART)
  const eased = RANK[stays.sheds] < RANK[before.sheds]
  return { ...(eased ? stays : before), above: 0 }
}

/** What the resource that is worst off asks for, when its marks count this part of what they are. */
function worst(usage: Usage, part: number): Omit<Pressure, 'above'> {
  let found: Omit<Pressure, 'above'> = NO_PRESSURE
  for (const resource of RESOURCES) {
    const { streams, everything } = MARKS[resource]
    const used = usage[resource]
    const sheds =
      used >= everything * part ? 'everything' : used >= streams * part ? 'streams' : 'nothing'
    if (RANK[sheds] > RANK[found.sheds]) found = { sheds, resource }
  }
  return { sheds: found.sheds, resource: found.resource }
}
