/** The page on which a person signs in. */
import type { Html } from '../pages/html.ts'
import { html } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { showPage } from '../pages/page.ts'

export type SignInPage = {
  /** Where the form goes. */
  readonly action: string
  readonly formToken: string
  /** The application that wants to be let in, as it calls itself; undefined when the person came alone. */
  readonly client: string | undefined
  /** Whether names and passwords are known here. */
  readonly hasPasswords: boolean
  /** Identity providers, with the address that leads there. */
  readonly providers: readonly { readonly title: string; readonly href: string }[]
  readonly failed: 'no' | 'wrong' | 'too_often'
  /** Whether the person has signed out just now; false by default. */
  readonly isSignedOut?: boolean
  readonly formTargets: readonly string[]
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[]
}

const CANCEL = html`<button type="submit" name="do" value="cancel" formnovalidate>Cancel</button>`

const SIGNED_OUT = html`<p class="note good" role="status">You are signed out.</p>`

/** How long nothing is looked at after too many attempts, in seconds. */
const QUARTER_SECONDS = 15 * 60

const FAILURES = {
  wrong: 'That name and password do not belong together. Check both and try again.',
  too_often: 'There were too many attempts. Wait a quarter of an hour, then try again.',
} as const

export function showSignIn(page: SignInPage): PageAnswer {
  const { client, failed, formTargets, hasPasswords, providers } = page
  const problem =
    failed === 'no'
      ? undefined
      : html`<p class="note bad" role="alert">
          <strong>Not signed in.</strong> ${FAILURES[failed]}
        </p>`
  const nobody = html`<p class="note warn" role="alert">
    <strong>Nobody can sign in here yet.</strong> The operator of this gateway has set up no way to
    sign in.
  </p>`
  const others = providers.map(
    ({ title, href }) => html`<a class="button" href="${href}">Sign in with ${title}</a>`,
  )
  const isNobody = providers.length === 0 && !hasPasswords
  const body = html`<h1>Sign in</h1>
    ${page.isSignedOut === true ? SIGNED_OUT : undefined}
    ${client === undefined ? undefined : html`<p><strong>${client}</strong> asks for access. Before you decide, show who you are.</p>`}
    ${problem} ${others.length === 0 ? undefined : html`<div class="actions ways">${others}</div>`}
    ${isNobody ? nobody : undefined} ${form(page)}`
  const cookies = page.cookies ?? []
  if (failed !== 'too_often') return showPage({ title: 'Sign in', body, formTargets, cookies })
  const shown = showPage({ status: 429, title: 'Sign in', body, formTargets, cookies })
  return { ...shown, headers: [...shown.headers, 'retry-after', String(QUARTER_SECONDS)] }
}

/** What the person types, and the way back to the application; nothing where there is neither. */
function form({ action, formToken, client, hasPasswords }: SignInPage): Html | undefined {
  const cancel = client === undefined ? undefined : CANCEL
  if (!hasPasswords && cancel === undefined) return undefined
  const fields = html`<label for="name">User name</label>
    <input
      type="text"
      id="name"
      name="name"
      autocomplete="username"
      autocapitalize="none"
      spellcheck="false"
      required
      maxlength="64"
    />
    <label for="password">Password</label>
    <input
      type="password"
      id="password"
      name="password"
      autocomplete="current-password"
      required
      maxlength="256"
    /> `
  const submit = html`<button class="main" type="submit" name="do" value="sign-in">Sign in</button>`
  return html`<form method="post" action="${action}">
    <input type="hidden" name="form_token" value="${formToken}" />
    ${hasPasswords ? fields : undefined}
    <div class="actions">${hasPasswords ? submit : undefined} ${cancel}</div>
  </form>`
}
