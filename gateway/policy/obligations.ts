/** Obligations of several rules that decide together: all of them. */
import type { Obligations } from '../model/terms.ts'

/** What a rule says, or several together; undefined where none says anything. */
export function obligationsOf(
  rules: readonly { readonly obligations: Obligations | undefined }[] | undefined,
  own?: Obligations,
): Obligations | undefined {
  if (rules === undefined) return own
  let all = own
  for (const { obligations } of rules) all = bothObligations(all, obligations)
  return all
}

/** A decision and another one about the same call, with what is to be done about either. */
export function withObligationsOf<Decided extends { readonly obligations?: Obligations }>(
  first: Decided | undefined,
  second: Decided,
): Decided {
  if (first === undefined || second.obligations === undefined) return first ?? second
  const obligations = bothObligations(first.obligations, second.obligations)
  return obligations === undefined ? first : { ...first, obligations }
}

/** What either asks; what one redacts is redacted, whatever the other records. */
export function bothObligations(
  one: Obligations | undefined,
  other: Obligations | undefined,
): Obligations | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other
  return {
    recordsArguments: one.recordsArguments || other.recordsArguments,
    redact: [...new Set([...one.redact, ...other.redact])],
    notify: [...new Set([...one.notify, ...other.notify])],
  }
}

/** What is to be done, in words for a terminal. */
export function describeObligations({ recordsArguments, redact, notify }: Obligations): string {
  const without = redact.map((path) => path.join('.')).join(', ')
  return [
    recordsArguments ? `arguments are recorded${without === '' ? '' : ` without ${without}`}` : '',
    notify.length > 0 ? `told: ${notify.join(', ')}` : '',
  ]
    .filter((part) => part !== '')
    .join('; ')
}
