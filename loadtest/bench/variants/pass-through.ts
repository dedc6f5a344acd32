/** node:http and undici forwarding and nothing else: what Gatehouse's own stack costs before it judges. */
import { startNodeProgram } from './node-program.ts'
import type { Variant } from './variant.ts'

/** The ceiling for Gatehouse on this stack. */
export const PASS_THROUGH: Variant = {
  name: 'node:http + undici',
  needs: [],
  refuses: 'nothing',
  start: (place) =>
    startNodeProgram(place, {
      name: 'pass-through',
      program: 'pass-through.ts',
      settings: { port: place.port, upstream: place.upstream },
    }),
}
