/** What went wrong with an authorization, for the person who was sent here by an application. */
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'

import type { PageAnswer } from '../pages/page.ts'
import { showPage } from '../pages/page.ts'
import { html } from '../pages/html.ts'

/** Longest description of an error that a page repeats, in characters. */
const MAX_TEXT_CHARS = 200

/** Writes the page for an error that cannot be told to the application (RFC 6749 §4.1.2.1). */
export function showOauthError(context: KoaContextWithOIDC, error: ErrorOut): void {
  const text = error.error_description ?? error.error
  const page = problemPage({
    status: context.status,
    title: 'This request cannot be completed',
    text: `The application that sent you here made a request that was refused: ${text.slice(0, MAX_TEXT_CHARS)}`,
    advice: 'Close this page and start again in the application.',
  })
  for (let at = 0; at + 1 < page.headers.length; at += 2) {
    context.set(page.headers[at] ?? '', page.headers[at + 1] ?? '')
  }
  context.body = page.body
}

/** A page that says what is wrong and what to do about it. */
export function problemPage(problem: {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly advice: string
  /** A path of ours to go on at; undefined where there is none. */
  readonly again?: string
}): PageAnswer {
  const { status, title, text, advice, again } = problem
  const link = html`<div class="actions"><a class="button" href="${again}">Try again</a></div>`
  const body = html`<h1>${title}</h1>
    <p>${text}</p>
    <p class="soft">${advice}</p>
    ${again === undefined ? undefined : link}`
  return showPage({ status, title, body })
}
