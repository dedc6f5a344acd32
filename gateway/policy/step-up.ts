/** `require.step_up`: how the person behind a token must have signed in (RFC 9470). */
import type { Caller } from '../model/caller.ts'
import type { StepUpTerms } from '../model/terms.ts'
import type { Rule } from './rules.ts'
import type { View } from './view.ts'

/** How far the clock of an issuer may be ahead of ours, in seconds, as for the other times of a token. */
const LEEWAY_SECONDS = 30

/** Signing in that is missing. */
export type StepUpNeed = {
  /** The first rule that is not content. */
  readonly rule: Rule
  /** What contents every rule; undefined where the caller cannot sign in, or no way of it contents all. */
  readonly terms: StepUpTerms | undefined
}

/**
 * What of the rules' terms the caller's token does not meet; undefined when it meets them all. All are asked
 * for at once: signing in for one of them only would be in vain. A token that does not say how its person
 * signed in, or says it in another form than RFC 9068 §2.2.1 has it, meets nothing.
 */
export function unmetStepUp(rules: readonly Rule[], view: View): StepUpNeed | undefined {
  const { asking, caller, occasion } = view
  const all = rules.flatMap(({ require }) => require?.stepUp ?? [])
  // What was begun after signing in may be asked about later.
  if (all.length === 0 || asking === 'task') return undefined
  const rule = rules.find(
    ({ require }) =>
      require?.stepUp !== undefined && !meets(require.stepUp, caller, occasion.nowMs),
  )
  if (rule === undefined) return undefined
  const terms = caller.interactive ? joinStepUps(all) : undefined
  // A name may be known before.
  return asking === 'name' && terms !== undefined ? undefined : { rule, terms }
}

function meets({ acr, maxAgeSeconds }: StepUpTerms, { claims }: Caller, nowMs: number): boolean {
  const { acr: said, auth_time: at } = claims ?? {}
  if (acr.length > 0 && !acr.some((one) => one === said)) return false
  if (maxAgeSeconds === undefined) return true
  if (typeof at !== 'number') return false
  const age = nowMs / 1_000 - at
  return age <= maxAgeSeconds && age >= -LEEWAY_SECONDS
}

/** What meets all of them; undefined where they have no class in common. */
export function joinStepUps(all: readonly StepUpTerms[]): StepUpTerms | undefined {
  const wanted = all.flatMap(({ acr }) => (acr.length === 0 ? [] : [acr]))
  const [first = []] = wanted
  const acr = first.filter((one) => wanted.every((list) => list.includes(one)))
  if (wanted.length > 0 && acr.length === 0) return undefined
  const ages = all.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? [])
  return { acr, maxAgeSeconds: ages.length === 0 ? undefined : Math.min(...ages) }
}

/** In words, as the end of a sentence about signing in. */
export function describeStepUp({ acr, maxAgeSeconds }: StepUpTerms): string {
  const parts = [
    ...(acr.length === 0 ? [] : [`in a way that is ${acr.join(' or ')}`]),
    ...(maxAgeSeconds === undefined ? [] : [`at most ${maxAgeSeconds} seconds ago`]),
  ]
  return parts.join(', ')
}
