/** What the connect pages say. */
import type { Detour } from '../model/detour.ts'
import { html, plainName, type Html } from '../pages/html.ts'
import { redirectTo, showPage, type PageAnswer } from '../pages/page.ts'
import type { Finished } from './connect.ts'
import type { ConnectionState } from './connection.ts'
import type { NamedProvider, Preview } from './providers.ts'

/** The offer to connect, with a form that leads to the provider. */
export function offer(wish: {
  readonly provider: Preview
  readonly name: string
  readonly server: string | undefined
  /** Which of the person's accounts; undefined for the one of most people. */
  readonly account: string | undefined
  readonly scopes: readonly string[]
  /** What the person was in the middle of, and can go on with instead. */
  readonly detour: Detour | undefined
  readonly action: string
  readonly token: string
}): PageAnswer {
  const { provider, scopes, server, detour } = wish
  const { title } = provider
  const who =
    server === undefined ? 'Servers behind this gateway' : html`<b>${plainName(server)}</b>`
  const which = wish.account === undefined ? '' : ` (${wish.account})`
  const heading = `Connect your ${title} account${which}`
  const list = scopes.map((scope) => html`<li><code>${plainName(scope, 200)}</code></li>`)
  return showPage({
    title: `Connect ${title}`,
    formTargets: [new URL(provider.authorizeUrl).origin, ...(detour?.formTargets ?? [])],
    body: html`
      <h1>${heading}</h1>
      <p>You are signed in as <b>${plainName(wish.name)}</b>.</p>
      <p>
        ${who} can then use ${title} in your name. ${title} will ask you for your consent. The token
        it gives stays with this gateway; your agent never sees it.
      </p>
      ${
        list.length > 0
          ? html`<p>Access that will be asked for:</p>
              <ul>
                ${list}
              </ul>`
          : undefined
      }
      <form method="post" action="${wish.action}">
        <input type="hidden" name="token" value="${wish.token}" />
        <div class="actions">
          <button class="main" type="submit">Continue to ${title}</button>
          ${detour && html`<a class="button" href="${detour.next}">Not now</a>`}
        </div>
      </form>
      ${detour && html`<p class="soft">${LATER}</p>`}
    `,
  })
}

const LATER =
  'Without it the call that needs it is answered with a link, and you can connect the account then.'

/** One line of what a person has connected or could. */
export type Own = {
  readonly provider: NamedProvider
  readonly account: string
  readonly state: ConnectionState | 'none'
  /** The account as the provider names it; empty where it does not. */
  readonly label: string
}

/** Stands in the address of who wants to use another account of theirs than the one that is connected. */
export const ANOTHER = 'another'

/** The accounts of a person, with a way to connect each and to end it. */
export function own(page: {
  readonly base: string
  /** Where people see what may act for them; undefined where there is no such page. */
  readonly accessPath: string | undefined
  readonly name: string
  readonly token: string
  readonly connections: readonly Own[]
}): PageAnswer {
  const { accessPath, base, token } = page
  const access = html`<section>
    <p><a href="${accessPath}">See which applications may act for you</a></p>
  </section>`
  const rows = page.connections.map(({ provider, account, state, label }) => {
    const name = account === 'default' ? provider.title : `${provider.title} (${account})`
    const at = `${base}/${provider.name}?account=${account}`
    const again =
      state === 'live'
        ? html`<a class="button" href="${at}&${ANOTHER}=1">Use another account</a>`
        : html`<a class="button" href="${at}">Connect ${name}</a>`
    const end = html`<form method="post" action="${base}">
      <input type="hidden" name="token" value="${token}" />
      <input type="hidden" name="provider" value="${provider.name}" />
      <input type="hidden" name="account" value="${account}" />
      <div class="actions"><button type="submit">Disconnect ${name}</button></div>
    </form>`
    return html`<section>
      <h2>${name}</h2>
      <p>${WORDS[state]}${label === '' ? '' : ` (${plainName(label)})`}.</p>
      <div class="actions">${again}</div>
      ${state === 'none' ? undefined : end}
    </section>`
  })
  return showPage({
    title: 'Your accounts',
    body: html`
      <h1>Accounts that servers may use for you</h1>
      <p>You are signed in as <b>${plainName(page.name)}</b>.</p>
      ${rows} ${accessPath === undefined ? undefined : access}
    `,
  })
}

const WORDS: Readonly<Record<Own['state'], string>> = {
  none: 'Not connected',
  live: 'Connected',
  dead: 'Connected, but it gives no more access: connect it again',
}

/** How it came out, once the browser is back. Whoever was in the middle of something goes on with it. */
export function finished(
  result: Exclude<Finished, { readonly kind: 'must_ask' }>,
  options: {
    readonly provider: NamedProvider
    /** Where this browser can try again, whatever became of the state. */
    readonly way: string | undefined
    /** Removes the browser's half of the state. */
    readonly clear: string
  },
): PageAnswer {
  const { title } = options.provider
  const cookies = [options.clear]
  const { detour } = result
  switch (result.kind) {
    case 'connected': {
      const { lacking } = result
      if (detour !== undefined && lacking.length === 0) return redirectTo(detour.next, cookies)
      const missing = html`<p>
        ${title} did not give all access that was asked for: ${lacking.join(', ')}.
      </p>`
      return showPage({
        title: `${title} is connected`,
        cookies,
        body: html`
          <h1>${title} is connected</h1>
          ${lacking.length > 0 ? missing : undefined}
          ${detour ? onward(detour) : html`<p>${CLOSE}</p>`}
        `,
      })
    }
    case 'denied': {
      const said = `${title} said: ${result.code}`
      const why = result.code === 'access_denied' ? `It was not allowed there (${said})` : said
      const text = `${why}. Nothing was changed.`
      return problem({ status: 200, title: NOT_CONNECTED, text, cookies, detour })
    }
    case 'failed': {
      const text = `${title} gave no token. Try again in a while.`
      return problem({ status: 502, title: NOT_CONNECTED, text, cookies, detour })
    }
    case 'unknown': {
      const { way } = options
      return problem({ status: 400, title: NOT_CONNECTED, text: BEGIN_AGAIN, cookies, way })
    }
  }
}

const CLOSE = 'You can close this window and try again what you were doing.'
const NOT_CONNECTED = 'Not connected'

/** The two ways back into what the person was in the middle of. */
function onward({ again, next }: Detour): Html {
  return html`<div class="actions">
    <a class="button" href="${again}">Try again</a>
    <a class="button" href="${next}">Go on without it</a>
  </div>`
}

const BEGIN_AGAIN =
  'This was not begun in this browser by the person who is signed in, or too long ago. Nothing was changed. Open the link again that you were given.'

/** The server, or the authorization server it names, is not to be used as it is. */
export function notFit({ title }: NamedProvider, detour?: Detour): PageAnswer {
  const text = `${title} cannot be connected at the moment: what it says of itself cannot be had, or is not in order. Those who run this gateway find the reason in its log.`
  return problem({ status: 502, title: NOT_CONNECTED, text, detour })
}

/** There is no such provider or path, or no server that this account would serve. */
export function notFound(): PageAnswer {
  const text = 'There is nothing to connect here.'
  return problem({ status: 404, title: 'Not found', text })
}

/** Nobody is signed in, and a link to sign in is no use: the gateway has no such page, or a form was sent. */
export function signInFirst(): PageAnswer {
  const text = 'Sign in to this gateway in this browser, then open the link again.'
  return problem({ status: 401, title: 'Sign in first', text })
}

/** @param detour What the person was in the middle of: there is a new link there. */
export function staleLink(detour?: Detour): PageAnswer {
  const text = 'It was used already, or is too old. Ask for what you wanted again to get a new one.'
  return problem({ status: 400, title: 'This link has ended', text, detour })
}

/** @param name Of whoever is signed in. */
export function otherPerson(name: string): PageAnswer {
  const text = `You are signed in as ${plainName(name)}, and this link was made for somebody else. Do not connect an account for others.`
  return problem({ status: 403, title: 'This link is not for you', text })
}

/** The keys that connections are sealed with cannot be had. */
export function notNow(): PageAnswer {
  const text =
    'This gateway cannot open or keep accounts right now. Nothing was changed. Try again later.'
  return problem({ status: 503, title: 'Not right now', text })
}

/** The person has begun to connect more often than one may. */
export function tooOften(detour?: Detour): PageAnswer {
  const text = 'You have begun this many times just now. Try again in ten minutes.'
  return problem({ status: 429, title: NOT_CONNECTED, text, detour })
}

/** A form that no page of ours has sent in this session: another site may have. */
export function forged(): PageAnswer {
  const text = 'The form was not sent by this page. Open the link again.'
  return problem({ status: 403, title: 'Nothing was done', text })
}

function problem(page: {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly cookies?: readonly string[]
  readonly detour?: Detour | undefined
  /** A path to try again at; undefined where nobody knows one. */
  readonly way?: string | undefined
}): PageAnswer {
  const { status, title, text, cookies = [], detour, way } = page
  return showPage({
    status,
    title,
    cookies,
    body: html`<h1>${title}</h1>
      <p>${text}</p>
      ${detour && onward(detour)}
      ${way !== undefined ? html`<p><a href="${way}">Go on with what you were doing</a></p>` : undefined}`,
  })
}
