/** No proxy at all: what the others' latency is counted from. */
import type { Place, Running, Variant } from './variant.ts'

/** Costs nothing and adds nothing. */
export const DIRECT: Variant = {
  name: 'direct',
  needs: [],
  refuses: 'nothing',
  start: (place: Place): Promise<Running> =>
    Promise.resolve({
      target: place.upstream,
      pids: [],
      growing: [],
      log: '',
      stop: () => Promise.resolve(),
    }),
}
