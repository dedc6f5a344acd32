/**
 * Which events operators also read in the log: warnings, what servers speak, changed tools, issuers and a key
 * service that keys cannot be had from.
 */
import type { GatehouseEvent } from '../model/event.ts'
import type { Log } from './log.ts'

/**
 * Returns the function that logs what is worth it. Keys that cannot be fetched are told when that
 * begins and when it ends, however often they are tried; one entry an issuer is remembered. So is a key
 * service.
 */
export function createEventLog(log: Log): (event: GatehouseEvent) => void {
  const failing = new Set<string>()
  let keyServiceFails = false
  return (event) => {
    if (event.type === 'warning') log('warn', event.what, { detail: event.detail })
    if (event.type === 'tool_changed') {
      const { server, tool, held } = event
      log('warn', 'a server has changed the definition of a tool', { server, tool, held })
    }
    if (event.type === 'provider_discovery' || event.type === 'provider_registration') {
      const { provider, issuer, detail } = event
      const what = event.type === 'provider_discovery' ? 'be discovered' : 'be registered with'
      if (!event.ok) log('warn', `a provider cannot ${what}`, { provider, issuer, detail })
    }
    // Of a server that was not understood there is a warning, which says why.
    if (event.type === 'eras_learned' && event.eras !== 'unknown') {
      const { server, eras, versions } = event
      log('info', 'the eras of a server are known', { server, eras, versions: versions.join(' ') })
    }
    if (event.type === 'key_service' && event.ok === keyServiceFails) {
      keyServiceFails = !event.ok
      if (event.ok) log('info', 'the key service answers again', {})
      else log('error', 'the key service does not seal or open keys', { detail: event.detail })
    }
    if (event.type !== 'jwks_fetched') return
    const { issuer, ok, detail } = event
    if (ok && failing.delete(issuer))
      log('info', 'the keys of an issuer are fetched again', { issuer })
    if (ok || failing.has(issuer)) return
    failing.add(issuer)
    log('warn', 'the keys of an issuer cannot be fetched', { issuer, detail })
  }
}
