/** Refusals that their caller can mend and come back: with more scopes, or after signing in anew. */
import { Refusal } from '../model/refusal.ts'
import type { StepUpTerms } from '../model/terms.ts'
import { joinStepUps } from '../policy/step-up.ts'

/**
 * Asks for a sign-in of this kind, and for the scopes that are missing besides: both in one challenge (RFC 9470
 * §3). Where there is no header to challenge in, the error's `data` says it.
 *
 * @param message What the caller is told; the usual words by default.
 */
export function askToSignIn(
  stepUp: StepUpTerms,
  scopes: readonly string[],
  message?: string,
): Refusal {
  const { acr, maxAgeSeconds } = stepUp
  return new Refusal('insufficient_user_authentication', {
    stepUp,
    scopes,
    data: {
      ...(acr.length > 0 && { acrValues: acr }),
      ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
    },
    ...(message !== undefined && { message }),
  })
}

/**
 * What would mend the refused messages of an array, asked for all at once; undefined where nothing would mend
 * those that can be mended together.
 */
export function askForAll(refusals: readonly Refusal[]): Refusal | undefined {
  const scopes = [...new Set(refusals.flatMap(({ extra }) => extra.scopes ?? []))]
  const stepUps = refusals.flatMap(({ extra }) => extra.stepUp ?? [])
  if (stepUps.length > 0) {
    const stepUp = joinStepUps(stepUps)
    return stepUp && askToSignIn(stepUp, scopes)
  }
  return scopes.length > 0 ? new Refusal('insufficient_scope', { scopes }) : undefined
}
