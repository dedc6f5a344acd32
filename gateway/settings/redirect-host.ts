/** An entry of `redirect_hosts`: a host, one with its port, all below a host, or a scheme. */
import { isLoopback } from '../model/loopback.ts'

/** As browsers write them; a colon at the end makes it a scheme. */
const HOST = /^(?<name>(?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?<port>[0-9]{1,5}))?$/
const SCHEME = /^[a-z][a-z0-9+.-]*:$/

/**
 * What is wrong with an entry; undefined where nothing is. One that no redirect could match is a slip, and so is
 * a port that would not count.
 *
 * @param entry In lower case.
 */
export function redirectHostFault(entry: string): string | undefined {
  if (SCHEME.test(entry)) return undefined
  const host = HOST.exec(entry)?.groups
  if (host === undefined) {
    return 'must be a host (app.example, *.app.example, app.example:8443) or a scheme (cursor:)'
  }
  const { name = '', port } = host
  if (port !== undefined && isLoopback(name)) {
    return `must be ${name} alone: programs on this machine take the port that is free`
  }
  return port === '443' ? `must be ${name} alone: without a port it is 443` : undefined
}
