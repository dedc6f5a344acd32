import type { Emit } from '../model/event.ts'
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
}

/** Opens the store that is configured, measured. Rejects with an Error that says why it cannot be used. */
export async function openStore(
  state: StateSettings,
  { now, tick, emit, metrics }: OpenStoreOptions,
): Promise<SweptStore> {
  const notice = (what: string, detail: string): void => emit({ type: 'warning', what, detail })
  return observeStore(await open(), tick, metrics.store)

  async function open(): Promise<SweptStore> {
    switch (state.driver) {
      case 'memory':
        return createMemoryStore({ now })
      case 'sqlite':
        return await openSqliteStore({ file: state.file, now })
      case 'redis':
        return await openRedisStore({ ...state, now, notice })
      case 'postgres':
        return await openPostgresStore({ ...state, now, notice })
    }
  }
}
