import type { Buckets } from '../limits/buckets.ts'
import { createBuckets } from '../limits/buckets.ts'
import type { SharedBuckets } from '../limits/shared-buckets.ts'
import { createSharedBuckets } from '../limits/shared-buckets.ts'
import type { Emit } from '../model/event.ts'
import type { SharedBudgets } from '../model/limits.ts'
import type { Settings } from '../settings/settings.ts'
import { openRedisBudgets } from '../state/redis-budgets.ts'

export type OpenedBuckets = {
  readonly buckets: Buckets
  /** Undefined where this process shares its limits with nobody. */
  readonly shared: SharedBuckets | undefined
  close(): Promise<void>
}

/** Opens what limits are counted in. Rejects with an Error that says why it cannot be used. */
export async function openBuckets(
  { limits, state }: Settings,
  options: {
    /** What the workers of this gateway share, where there are several. */
    readonly among: SharedBudgets | undefined
    /** Monotonic milliseconds. */
    readonly tick: () => number
    readonly emit: Emit
  },
): Promise<OpenedBuckets> {
  const { among, tick, emit } = options
  const inRedis = limits.shared && state.driver === 'redis'
  const budgets = inRedis ? await openRedisBudgets(state) : among
  if (budgets === undefined) {
    return { buckets: createBuckets(), shared: undefined, close: async () => undefined }
  }
  const notice = (what: string, detail: string): void => emit({ type: 'warning', what, detail })
  const shared = createSharedBuckets({ shared: budgets, tick, notice })
  await shared.look()
  return { buckets: shared, shared, close: () => budgets.close() }
}
