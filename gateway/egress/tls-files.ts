import { readFileSync } from 'node:fs'

import type { UpstreamTls } from '../model/server.ts'

/** What `tls.connect` is given of it. */
export type TlsContents = {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly servername?: string
}

/**
 * The files as they are now; nothing where nothing is configured.
 *
 * @throws {Error} when one cannot be read.
 */
export function readTls(tls: Partial<UpstreamTls> | undefined): TlsContents {
  return {
    ...(tls?.ca === undefined ? {} : { ca: readFileSync(tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: readFileSync(tls.cert) }),
    ...(tls?.key === undefined ? {} : { key: readFileSync(tls.key) }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  }
}
