/** http-proxy-3 with a keep-alive agent, forwarding everything: what many gateways start from. */
import { startNodeProgram } from './node-program.ts'
import type { Variant } from './variant.ts'

/** Native mode; its fetch mode is several times slower. */
export const HTTP_PROXY_3: Variant = {
  name: 'http-proxy-3',
  needs: [],
  refuses: 'nothing',
  start: (place) =>
    startNodeProgram(place, {
      name: 'http-proxy-3',
      program: 'http-proxy.ts',
      settings: { port: place.port, upstream: place.upstream },
    }),
}
