/** A server's rules as one caller meets them on one occasion. */
import type { Call } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Occasion } from './occasion.ts'
import type { Rules, ServerRules } from './rules.ts'
import type { SentArguments } from './sent-arguments.ts'
import type { Fit } from './subject.ts'

/**
 * What is being asked: whether this call may pass, whether its caller may connect, whether a name may be
 * known (lists, completions), or whether a task may be asked about. All but the first know no arguments.
 */
export type Asking = 'call' | 'connection' | 'name' | 'task'

export type View = {
  readonly here: ServerRules
  /** How the caller fits, by `whom` of a rule; undefined where no rule has asked so far. */
  readonly fits: (Fit | undefined)[]
  readonly caller: Caller
  readonly occasion: Occasion
  readonly asking: Asking
  /** The call that is asked about; undefined for lists. */
  readonly call: Call | undefined
  /** The method of the call, or of the one that would use what is listed. */
  readonly method: string
  /** Callers as expressions see them; see `Rules`. */
  readonly callers: WeakMap<Caller, unknown>
  /** The arguments of `call`, once a rule has read them. */
  sent: SentArguments | 'unreadable' | undefined
}

/** The caller's view; undefined when the rules know no such server. */
export function viewFor(
  rules: Rules,
  caller: Caller,
  what: Pick<View, 'occasion' | 'asking' | 'call' | 'method'>,
): View | undefined {
  const { occasion, asking, call, method } = what
  const here = rules.servers.get(occasion.server)
  if (here === undefined) return undefined
  let fits = rules.fits.get(caller)
  if (fits === undefined) {
    fits = Array<Fit | undefined>(rules.whoms).fill(undefined)
    rules.fits.set(caller, fits)
  }
  const { callers } = rules
  return { here, fits, caller, occasion, asking, call, method, callers, sent: undefined }
}

/** The same for another question. */
export function ask(view: View, asking: Asking, method: string = view.method): View {
  const { here, fits, caller, occasion, call, callers } = view
  return { here, fits, caller, occasion, asking, call, method, callers, sent: undefined }
}
