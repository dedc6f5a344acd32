/** What rules oblige to a second time: everything that any of them says, in a form that can be compared. */
import type { Obligations } from '../model/terms.ts'
import type { NaiveRule } from './naive-policy.ts'

/** What all of these rules say together. */
export function naiveObligations(rules: readonly NaiveRule[]): string {
  const all = rules.flatMap(({ obligations }) => obligations ?? [])
  return form({
    recordsArguments: all.some((one) => 'audit' in one),
    redact: all.flatMap((one) => ('redact' in one ? one.redact : [])),
    notify: all.flatMap((one) => ('notify' in one ? [one.notify] : [])),
  })
}

/** The same of what a decision says. */
export function obligationsForm(said: Obligations | undefined): string {
  if (said === undefined) return form({ recordsArguments: false, redact: [], notify: [] })
  return form({ ...said, redact: said.redact.map((path) => path.join('.')) })
}

function form(
  parts: Pick<Obligations, 'recordsArguments' | 'notify'> & { readonly redact: readonly string[] },
): string {
  const [redact, notify] = [parts.redact, parts.notify].map((all) => [...new Set(all)].toSorted())
  return JSON.stringify([parts.recordsArguments, redact, notify])
}
