/** http-proxy-3 behind a `jwtVerify` per call: the typical first version of a gateway like ours. */
import { ISSUER } from '../tokens.ts'
import { startNodeProgram } from './node-program.ts'
import type { Variant } from './variant.ts'

/** Checks signature, issuer, audience and expiry; writes no log and no metric. */
export const HTTP_PROXY_3_JOSE: Variant = {
  name: 'http-proxy-3 + jose',
  needs: [],
  refuses: 'tokens',
  start: (place) =>
    startNodeProgram(place, {
      name: 'http-proxy-3-jose',
      program: 'http-proxy.ts',
      settings: {
        port: place.port,
        upstream: place.upstream,
        verify: {
          jwksFile: place.keys.jwksFile,
          issuer: ISSUER,
          audience: place.keys.audience,
        },
      },
    }),
}
