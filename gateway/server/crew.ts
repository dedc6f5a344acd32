/**
 * The workers of one gateway: started, replaced when they end, ended when they hang. Knows nothing of how a
 * process is made.
 */
import { countersOf, mergeMetrics } from '../telemetry/merge-metrics.ts'
import type { ToWorker } from './crew-talk.ts'
import type { Line } from './line.ts'
import type { Log } from './log.ts'
import { createRestartPace, type RestartPace } from './restart-pace.ts'

/** A running process. */
export type Hand = {
  readonly pid: number
  readonly line: Line<ToWorker>
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
}

export type Worker = Hand & {
  readonly slot: number
  readonly startedTick: number
}

export type CrewOptions = {
  readonly size: number
  /** Starts a process; `ended` is called once, when it is gone, with what is known of why. */
  readonly fork: (slot: number, ended: (why: string) => void) => Hand
  readonly log: Log
  /** Monotonic milliseconds. */
  readonly tick: () => number
  /** Calls after so many milliseconds; the returned function prevents it. */
  readonly after: (ms: number, call: () => void) => () => void
}

export type Crew = {
  /** Starts them all. Resolves when each listens; rejects when one ends before, and ends the others. */
  start(): Promise<void>
  /** A worker says that it listens. */
  up(slot: number): void
  /** A worker ends in order, and says what it has counted. */
  leave(slot: number, metrics: string): void
  /** Those that listen, by their slots. */
  readonly workers: readonly Worker[]
  readonly restarts: number
  /** Metrics of all, also of those that have ended. */
  metrics(): Promise<string>
  /** Ends who has not answered for long. Call it every `LOOK_EVERY_MS`. */
  look(): Promise<void>
  /** Ends them in order, and by force after `graceMs`. Resolves when all are gone. */
  stop(graceMs: number): Promise<void>
}

/** How often workers are asked what they have counted, in milliseconds: what a killed one takes with it. */
export const LOOK_EVERY_MS = 5_000

/** A worker that answers nothing for so long, in milliseconds, hangs: no collection of garbage takes that. */
export const STUCK_AFTER_MS = 30_000

/** Metrics are waited for this long, in milliseconds; then those of the last look stand for them. */
const METRICS_MS = 2_000

type Seat = {
  readonly slot: number
  readonly pace: RestartPace
  hand: Worker | undefined
  isUp: boolean
  heardTick: number
  /** What it had counted when it was last asked. */
  counted: string
}

export function createCrew(options: CrewOptions): Crew {
  const { size, log, tick } = options
  const seats: readonly Seat[] = Array.from({ length: size }, (_, at) => ({
    slot: at + 1,
    pace: createRestartPace(),
    hand: undefined,
    isUp: false,
    heardTick: 0,
    counted: '',
  }))
  const opening = Promise.withResolvers<void>()
  const cancels = new Set<() => void>()
  let isOpen = false
  let stopping: PromiseWithResolvers<void> | undefined
  let restarts = 0
  let departed = ''

  const begin = (seat: Seat): void => {
    const { slot } = seat
    const startedTick = tick()
    const hand = options.fork(slot, (why) => ended(seat, why))
    seat.hand = { ...hand, slot, startedTick }
    seat.heardTick = startedTick
  }
  const ended = (seat: Seat, why: string): void => {
    const { slot, hand } = seat
    if (hand === undefined) return
    const livedMs = tick() - hand.startedTick
    departed = mergeMetrics([departed, countersOf(seat.counted)])
    Object.assign(seat, { hand: undefined, isUp: false, counted: '' })
    if (stopping !== undefined) {
      if (seats.every((each) => each.hand === undefined)) stopping.resolve()
      return
    }
    if (!isOpen) {
      opening.reject(new Error(`worker ${slot} did not start (${why})`))
      return
    }
    const delayMs = seat.pace.ended(livedMs)
    log('error', 'a worker has ended and is replaced', { worker: slot, why, delayMs })
    restarts += 1
    const cancel = options.after(delayMs, () => {
      cancels.delete(cancel)
      begin(seat)
    })
    cancels.add(cancel)
  }
  const ask = async (seat: Seat): Promise<void> => {
    const { hand } = seat
    if (hand === undefined || !seat.isUp) return
    const counted = await hand.line.ask('metrics', undefined, METRICS_MS).catch(() => undefined)
    if (counted === undefined || seat.hand !== hand) return
    seat.counted = counted
    seat.heardTick = tick()
  }
  const seatOf = (slot: number): Seat | undefined => seats.find((seat) => seat.slot === slot)

  const stop = async (graceMs: number): Promise<void> => {
    for (const cancel of cancels) cancel()
    stopping = Promise.withResolvers<void>()
    if (seats.every(({ hand }) => hand === undefined)) return
    for (const { hand } of seats) hand?.signal('SIGTERM')
    const cancel = options.after(graceMs, () => {
      for (const { hand } of seats) hand?.signal('SIGKILL')
    })
    await stopping.promise
    cancel()
  }

  return {
    async start() {
      for (const seat of seats) begin(seat)
      try {
        await opening.promise
      } catch (error) {
        await stop(STUCK_AFTER_MS)
        throw error
      }
    },
    up(slot) {
      const seat = seatOf(slot)
      if (seat?.hand === undefined) return
      seat.isUp = true
      if (isOpen) log('info', 'a worker is up again', { worker: slot })
      if (!seats.every(({ isUp }) => isUp)) return
      isOpen = true
      opening.resolve()
    },
    leave(slot, metrics) {
      const seat = seatOf(slot)
      if (seat !== undefined) Object.assign(seat, { isUp: false, counted: metrics })
    },
    get workers() {
      return seats.flatMap(({ hand, isUp }) => (hand === undefined || !isUp ? [] : [hand]))
    },
    get restarts() {
      return restarts
    },
    async metrics() {
      await Promise.all(seats.map(ask))
      return mergeMetrics([...seats.map(({ counted }) => counted), departed])
    },
    async look() {
      await Promise.all(seats.map(ask))
      for (const { slot, hand, heardTick } of seats) {
        if (hand === undefined || tick() - heardTick <= STUCK_AFTER_MS) continue
        log('error', 'a worker does not answer and is ended', { worker: slot })
        hand.signal('SIGKILL')
      }
    },
    stop,
  }
}
