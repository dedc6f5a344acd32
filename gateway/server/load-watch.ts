import type { Emit } from '../model/event.ts'
import { nextPressure, NO_PRESSURE, type Pressure, type Usage } from './pressure.ts'
import type { Resources } from './resources.ts'

/** What this process has to do, and what it turns away because of it. */
export type LoadWatch = {
  readonly pressure: Pressure
  /** What was used when it was last looked at. */
  readonly usage: Usage
  /** Call it every second. */
  look(): void
  close(): void
}

const NOTHING_USED: Usage = { loopDelayMs: 0, heap: 0, memory: 0, descriptors: 0 }

/** Each change of what is turned away is told, in the log and to metrics. */
export function createLoadWatch(resources: Resources, emit: Emit): LoadWatch {
  let pressure = NO_PRESSURE
  let usage = NOTHING_USED
  return {
    get pressure() {
      return pressure
    },
    get usage() {
      return usage
    },
    look() {
      usage = resources.look()
      const before = pressure
      pressure = nextPressure(before, usage)
      if (pressure.sheds === before.sheds) return
      const what = pressure.sheds === 'nothing' ? 'shedding_ended' : 'shedding'
      emit({ type: 'warning', what, detail: describePressure(pressure, usage) })
    },
    close: () => resources.close(),
  }
}

/** One line for people: what is turned away, and why. */
export function describePressure({ sheds, resource }: Pressure, usage: Usage): string {
  if (resource === undefined) return 'there is enough of everything'
  const used =
    resource === 'loopDelayMs'
      ? `the event loop is ${Math.round(usage.loopDelayMs)} ms late`
      : `${Math.round(usage[resource] * 100)} % of ${resource} is used`
  return `${used}: ${sheds === 'streams' ? 'new streams are' : 'everything new is'} turned away`
}
