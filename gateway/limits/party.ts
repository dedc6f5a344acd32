import type { Caller } from '../model/caller.ts'

/**
 * Names the party of callers: another token of the same (tenant, issuer, subject, client) is the same
 * party. All anonymous callers are one: nothing tells them apart that they could not make up.
 */
export function createPartyNames(): (caller: Caller) => string {
  const names = new WeakMap<Caller, string>()
  return (caller) => {
    let name = names.get(caller)
    if (name === undefined) {
      name = JSON.stringify([caller.tenant, caller.issuer, caller.subject, caller.client])
      names.set(caller, name)
    }
    return name
  }
}
