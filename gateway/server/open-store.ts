import type { Emit } from '../model/event.ts'
import { messageOf } from '../model/message-of.ts'
import type { StateSettings } from '../settings/settings.ts'
import { createMemoryStore } from '../state/memory.ts'
import { observeStore } from '../state/observed-store.ts'
import { openPostgresStore } from '../state/postgres.ts'
import { openRedisStore } from '../state/redis.ts'
import { openSqliteStore } from '../state/sqlite.ts'
import type { SweptStore } from '../state/swept-store.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export type OpenStoreOptions = {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Monotonic milliseconds. */
  readonly tick: () => number
  readonly emit: Emit
  readonly metrics: Pick<Metrics, 'store'>
  /** The store of a supervisor, in place of one that only a single process can hold. */
  readonly relayed?: SweptStore | undefined
}

/** Opens the store that is configured, measured. Rejects with an Error that says why it cannot be used. */
export async function openStore(
  state: StateSettings,
  { now, tick, emit, metrics, relayed }: OpenStoreOptions,
): Promise<SweptStore> {
  const notice = (what: string, detail: string): void => emit({ type: 'warning', what, detail })
  return observeStore(await open(), tick, metrics.store)

  async function open(): Promise<SweptStore> {
    switch (state.driver) {
      case 'memory':
      case 'sqlite':
        return relayed ?? (await openHeld(state, now))
      case 'redis':
        return await openRedisStore({ ...state, now, notice }).catch(named('state.redis'))
      case 'postgres':
        return await openPostgresStore({ ...state, now, notice }).catch(named('state.postgres'))
    }
  }
}

/** Says of an error which section of the configuration it is about. */
function named(section: string): (error: unknown) => never {
  return (error) => {
    const why = messageOf(error)
    throw new Error(`${section}: ${why}`, { cause: error })
  }
}

/** What a supervisor holds for its workers; undefined where each of them has its own way to the data. */
export async function openHeldStore(state: StateSettings): Promise<SweptStore | undefined> {
  return state.driver === 'memory' || state.driver === 'sqlite'
    ? await openHeld(state, Date.now)
    : undefined
}

type Held = Extract<StateSettings, { readonly driver: 'memory' | 'sqlite' }>

async function openHeld(state: Held, now: () => number): Promise<SweptStore> {
  return state.driver === 'memory'
    ? createMemoryStore({ now })
    : await openSqliteStore({ file: state.file, now })
}
