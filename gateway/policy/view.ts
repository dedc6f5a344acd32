/** A server's rules as one caller meets them on one occasion. */
import type { Call } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Occasion } from './occasion.ts'
import type { Rules, ServerRules } from './rules.ts'
import { type Fit, fitSubjects } from './subject.ts'

/**
 * What is being asked: whether this call may pass, whether its caller may connect, whether a name may be
 * known (lists, completions), or whether a task may be asked about. All but the first know no arguments.
 */
export type Asking = 'call' | 'connection' | 'name' | 'task'

export type View = {
  readonly here: ServerRules
  readonly fits: readonly Fit[]
  readonly caller: Caller
  readonly occasion: Occasion
  readonly asking: Asking
  /** The call that is asked about; undefined for lists. */
  readonly call: Call | undefined
}

/** The caller's view; undefined when the rules know no such server. */
export function viewFor(
  rules: Rules,
  caller: Caller,
  what: Pick<View, 'occasion' | 'asking' | 'call'>,
): View | undefined {
  const { occasion, asking, call } = what
  const here = rules.servers.get(occasion.server)
  if (here === undefined) return undefined
  let fits = rules.fits.get(caller)
  if (fits === undefined) {
    fits = rules.subjects.map((subjects) => fitSubjects(subjects, caller))
    rules.fits.set(caller, fits)
  }
  return { here, fits, caller, occasion, asking, call }
}

/** The same for another question. */
export function ask(view: View, asking: Asking): View {
  const { here, fits, caller, occasion, call } = view
  return { here, fits, caller, occasion, asking, call }
}
