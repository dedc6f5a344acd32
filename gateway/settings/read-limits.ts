/** Sections `limits` and `servers.<name>.limits`: how many calls in what time. */
import type { Budget, Limits, ServerLimits } from '../model/limits.ts'
import type { ConfigFile } from './config-file.ts'
import type { BudgetFile, ServerLimitsFile } from './server-file.ts'
import type { Reading } from './reading.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }

/** What may be spent at once where nothing is said, as seconds of the rate: a burst that people do not notice. */
const BURST_SECONDS = 10

/** What the schema has refused is not limited here; a configuration with a fault is not used. */
export function readLimits(reading: Reading, { limits, servers, state }: ConfigFile): Limits {
  const sound = reading.isSound(['limits']) ? limits : undefined
  const callers: Partial<ConfigFile['limits']['callers']> = sound?.callers ?? {}
  const shared = sound?.shared === true
  if (shared && reading.isWhole(['state']) && state.driver !== 'redis') {
    reading.report(['limits', 'shared'], 'needs state.driver: redis, where the budgets are kept')
  }
  return {
    callers: {
      agent: readBudget(callers.agent),
      human: readBudget(callers.human),
      service: readBudget(callers.service),
    },
    clients: readBudget(sound?.clients),
    initialize: readBudget(sound?.initialize),
    sameCall: readBudget(sound?.same_call),
    servers: new Map(
      Object.entries(servers).flatMap(([name, server]) =>
        server.limits === undefined || !reading.isSound(['servers', name])
          ? []
          : [[name, readServer(server.limits)] as const],
      ),
    ),
    shared,
  }
}

function readServer({ caller, everybody, costs }: ServerLimitsFile): ServerLimits {
  return {
    caller: readBudget(caller),
    everybody: readBudget(everybody),
    costs: new Map(Object.entries(costs)),
  }
}

/** The budget of a section that the schema has accepted, with a rate such as `60/m`; undefined for none. */
export function readBudget(file: BudgetFile | 'none' | undefined): Budget | undefined {
  if (file === undefined || file === 'none') return undefined
  const [calls = '', unit = ''] = file.rate.split('/')
  const perSecond = Number(calls) / (SECONDS[unit] ?? 1)
  return { perSecond, burst: file.burst ?? Math.max(1, Math.ceil(perSecond * BURST_SECONDS)) }
}
