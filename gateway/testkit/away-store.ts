import type { Store } from '../model/store.ts'
import { StoreError } from '../state/store-error.ts'

/** A store that cannot be reached. */
export function awayStore(): Store {
  const away = async (): Promise<never> => {
    throw new StoreError('away', 'connect ECONNREFUSED 10.0.0.1:6379')
  }
  return {
    get: away,
    put: away,
    cas: away,
    consume: away,
    delete: away,
    lease: away,
    release: away,
    count: away,
    list: away,
    publish: away,
    subscribe: () => () => undefined,
    close: async () => undefined,
  }
}

/** A store that cannot be reached while `isAway` says so. */
export function leavingStore<Own extends Store>(store: Own, isAway: () => boolean): Own {
  const away = awayStore()
  return new Proxy(store, {
    get: (there, name) => {
      const found: unknown = Reflect.get(isAway() && name in away ? away : there, name)
      return typeof found === 'function' ? found.bind(there) : found
    },
  })
}
