/** A request for a page of one authorization, and what all of its pages share. */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Provider } from 'oidc-provider'

import type { PageAnswer } from '../pages/page.ts'
import type { Session } from '../sessions/sessions.ts'
import { problemPage } from './error-page.ts'

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** One request for a page. */
export type Ask = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly address: string
  readonly interaction: Interaction
  /** What only this browser and we know; forms are tied to it. */
  readonly secret: string
  readonly session: Session | undefined
}

/** What a form of this page does; a token of the sign-in page is no good for the decision. */
export function purposeOf({ interaction, session }: Ask): string {
  const { uid, prompt } = interaction
  return prompt.name === 'consent' ? `decide ${uid} ${session?.id ?? ''}` : `sign-in ${uid}`
}

/** Where forms of this authorization lead in the end. */
export function formTargets({ params }: Interaction): readonly string[] {
  const redirect = params['redirect_uri']
  return typeof redirect === 'string' ? [formTargetOf(redirect)] : []
}

/** Also for a link that was sent to somebody else, and for an authorization that has ended. */
export function notYours(): PageAnswer {
  return problemPage({
    status: 403,
    title: 'This page is not open here',
    text: 'It has ended, or it was begun in another browser.',
    advice: 'Start again in the application that asked for access.',
  })
}

/** What must be known of a redirect to let a form lead there: its origin, or a scheme of its own. */
function formTargetOf(redirect: string): string {
  if (!URL.canParse(redirect)) return "'none'"
  const { protocol, origin } = new URL(redirect)
  return protocol === 'https:' || protocol === 'http:' ? origin : protocol
}

/** For a form that no page of ours has sent. */
export function forged(): PageAnswer {
  return problemPage({
    status: 403,
    title: 'That was not accepted',
    text: 'The answer did not come from the page that asked for it, so nothing was changed.',
    advice: 'Go back, reload the page and try again.',
  })
}
