/** The pages on which a person approves a call, or does not. */
import type { Html } from '../pages/html.ts'
import { html, plainName } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { showPage } from '../pages/page.ts'
import type { Ask, AskedNeed, CallKey } from '../registry/approval.ts'
import type { Session } from '../sessions/sessions.ts'

/** Characters of a subject, a URI or a name of a tool, as people are shown it. */
const MAX_LONG_NAME_CHARS = 512

/** Minutes that are offered, as far as the rule lets them. */
const MINUTES = [5, 15, 60, 240]

export type SignInPage = {
  readonly action: string
  readonly failed: boolean
  /** Where people sign in by name, or at their identity provider; undefined where they cannot. */
  readonly elsewhere: string | undefined
}

/** Where a person shows who they are. */
export function signInPage({ action, failed, elsewhere }: SignInPage): PageAnswer {
  const problem = failed
    ? html`<p class="note bad" role="alert">
        <strong>Not signed in.</strong> This key is not valid here. Check it and try again.
      </p>`
    : undefined
  const body = html`<h1>Sign in to decide on a call</h1>
    <p>Somebody has sent you here because a call waits for a person. Show who you are to see it.</p>
    ${problem} ${elsewhere === undefined ? undefined : byName(elsewhere)}
    <form method="post" action="${action}">
      <label for="api_key">Your API key</label>
      <input
        type="password"
        id="api_key"
        name="api_key"
        autocomplete="current-password"
        spellcheck="false"
        required
        maxlength="128"
      />
      <div class="actions">
        <button class="main" type="submit" name="do" value="sign-in">Sign in</button>
      </div>
    </form>`
  return showPage({ status: failed ? 403 : 200, title: 'Sign in', body })
}

function byName(href: string): Html {
  return html`<div class="actions">
      <a class="button" href="${href}">Sign in with your name</a>
    </div>
    <p>Or with a key:</p>`
}

export type Decidable = {
  readonly action: string
  readonly formToken: string
  readonly session: Session
  readonly ask: Ask
  /** What of it this person decides. */
  readonly needs: readonly AskedNeed[]
  /** The arguments as people read them; empty where there are none. */
  readonly shown: string
}

/** The request in words, with what can be done about it. */
export function askPage(page: Decidable): PageAnswer {
  const { ask, shown, needs } = page
  const body = html`<h1>Approve this call?</h1>
    ${sentence(ask)} ${ask.reason === undefined ? undefined : html`<p>${ask.reason}</p>`}
    <dl>
      ${term('Who asks', whoAsks(ask))} ${term('For whom', forWhom(ask))}
      ${term('What', `${wordsFor(ask.call)} ${targetOf(ask.call)}`)}
      ${term('Where', plainName(ask.call.server))}
      ${term('Rule', needs.map(({ rule }) => rule).join(', '))}
    </dl>
    <h2 id="arguments">Arguments</h2>
    ${shown === '' ? html`<p>None.</p>` : html`<pre tabindex="0" role="region" aria-labelledby="arguments">${shown}</pre>`}
    <p class="note">
      Your approval counts for these very arguments and for nobody else. Approve only what you
      expect.
    </p>
    ${decideForm(page)} ${signedInAs(page)}`
  return showPage({ title: 'Approve a call', body })
}

/** What has become of the request. */
export function decidedPage(page: Omit<Decidable, 'shown'>): PageAnswer {
  const { ask, needs } = page
  const denied = ask.needs.some(({ state }) => state === 'denied')
  const waiting = ask.needs.some(({ state }) => state === 'waiting')
  const by = [...new Set(needs.map((need) => need.by ?? ''))].map((name) => plainName(name))
  const said = denied
    ? html`<p class="note bad"><strong>Denied</strong> by ${by.join(', ')}.</p>`
    : html`<p class="note good"><strong>Approved</strong> by ${by.join(', ')}.</p>`
  const next = denied
    ? html`<p>The call was not made. The same call is refused for a while without asking again.</p>`
    : html`<p>
        Go back to the application and let it go on.
        ${waiting ? 'Somebody else still has to approve it, too.' : undefined}
      </p>`
  const body = html`<h1>${denied ? 'This call was denied' : 'This call was approved'}</h1>
    ${said} ${sentence(ask)} ${next} ${signedInAs(page)}`
  return showPage({ title: denied ? 'Denied' : 'Approved', body })
}

/** A request that is over, or never was: nobody learns which. */
export function overPage(): PageAnswer {
  const body = html`<h1>There is nothing to decide here</h1>
    <p>
      This request is over, or it never was. When the call is made again, the application shows
      another link.
    </p>`
  return showPage({ status: 404, title: 'Nothing to decide', body })
}

/** For somebody who is signed in and may not decide: of the request nothing is told. */
export function notYoursPage(
  page: Pick<Decidable, 'action' | 'formToken' | 'session'>,
): PageAnswer {
  const body = html`<h1>This is not yours to decide</h1>
    <p>Somebody else has to approve this call. Sign in as somebody who may, or pass the link on.</p>
    ${signedInAs(page)}`
  return showPage({ status: 403, title: 'Not yours to decide', body })
}

/** For a form that did not come from a page of ours, or was shown to another browser. */
export function refusedPage(): PageAnswer {
  const body = html`<h1>This form is not valid</h1>
    <p>It did not come from this page, or this page is too old. Open the link again.</p>`
  return showPage({ status: 403, title: 'Not valid', body })
}

/** For what the state store would have to know and does not say. */
export function unavailablePage(): PageAnswer {
  const body = html`<h1>This cannot be decided right now</h1>
    <p>The gateway cannot look up the request. Nothing was approved. Try again in a minute.</p>`
  return showPage({ status: 503, title: 'Not available', body })
}

function sentence({ call, kind, personal }: Ask): Html {
  const asker = `${KINDS[kind]} ${plainName(call.client === '' ? call.subject : call.client)}`
  const [words, target] = [wordsFor(call), targetOf(call)]
  const whom = personal ? html`for <strong>${plainName(call.subject)}</strong>` : 'for itself'
  return html`<p>
    <strong>${asker}</strong> wants to ${words} <strong>${target}</strong> of
    <strong>${plainName(call.server)}</strong> ${whom}.
  </p>`
}

const KINDS = { human: 'The application', agent: 'The agent', service: 'The service' } as const

function whoAsks({ call, kind }: Ask): string {
  const client =
    call.client === '' ? 'an unnamed client' : plainName(call.client, MAX_LONG_NAME_CHARS)
  return `${client} (${kind})`
}

function forWhom({ call, personal }: Ask): string {
  const subject = plainName(call.subject, MAX_LONG_NAME_CHARS)
  const issuer = plainName(call.issuer, MAX_LONG_NAME_CHARS)
  return personal
    ? `${subject}, signed in at ${issuer}`
    : `nobody: it acts as ${subject} of ${issuer}`
}

const WORDS: Readonly<Record<string, string>> = {
  'tools/call': 'use the tool',
  'prompts/get': 'get the prompt',
  'resources/read': 'read',
  'resources/subscribe': 'follow',
}

function wordsFor({ method }: CallKey): string {
  return WORDS[method] ?? `call ${plainName(method)}`
}

function targetOf({ targets }: CallKey): string {
  return plainName(targets.filter((_, at) => at % 2 === 1).join(', '), MAX_LONG_NAME_CHARS)
}

function term(name: string, text: string): Html {
  return html`<dt>${name}</dt>
    <dd>${text}</dd>`
}

function decideForm({ action, formToken, needs }: Decidable): Html {
  const longestMs = Math.min(...needs.map(({ terms }) => terms.forMs ?? 0))
  return html`<form method="post" action="${action}">
    <input type="hidden" name="form_token" value="${formToken}" />
    <div class="actions">
      <button class="main" type="submit" name="do" value="once">Approve once</button>
      <button type="submit" name="do" value="deny">Deny</button>
    </div>
    ${longestMs >= 60_000 ? forMinutes(longestMs) : undefined}
  </form>`
}

function forMinutes(longestMs: number): Html {
  const most = Math.floor(longestMs / 60_000)
  const offered = [...MINUTES.filter((minutes) => minutes < most), most]
  return html`<label for="minutes">Or let it make this same call again for a while</label>
    <select id="minutes" name="minutes">
      ${offered.map((minutes) => html`<option value="${minutes}">${minutes} minutes</option>`)}
    </select>
    <div class="actions">
      <button type="submit" name="do" value="for">Approve for that long</button>
    </div>`
}

function signedInAs({
  action,
  formToken,
  session,
}: Pick<Decidable, 'action' | 'formToken' | 'session'>): Html {
  return html`<form method="post" action="${action}">
    <input type="hidden" name="form_token" value="${formToken}" />
    <p class="soft">You are signed in as ${plainName(session.name)}.</p>
    <div class="actions"><button type="submit" name="do" value="sign-out">Sign out</button></div>
  </form>`
}
