/** What the connect pages say. */
import type { Provider } from '../model/provider.ts'
import { html, plainName } from '../pages/html.ts'
import { showPage, type PageAnswer } from '../pages/page.ts'
import type { Finished } from './connect.ts'
import type { ConnectionState } from './connection.ts'

/** The offer to connect, with a form that leads to the provider. */
export function offer(wish: {
  readonly provider: Provider
  readonly name: string
  readonly server: string | undefined
  readonly scopes: readonly string[]
  readonly action: string
  readonly token: string
}): PageAnswer {
  const { provider, scopes, server } = wish
  const { title } = provider
  const who =
    server === undefined ? 'Servers behind this gateway' : html`<b>${plainName(server)}</b>`
  const list = scopes.map((scope) => html`<li><code>${plainName(scope, 200)}</code></li>`)
  return showPage({
    title: `Connect ${title}`,
    formTargets: [new URL(provider.authorizeUrl).origin],
    body: html`
      <h1>Connect your ${title} account</h1>
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
        <button type="submit">Continue to ${title}</button>
      </form>
    `,
  })
}

/** One line of what a person has connected or could. */
export type Own = {
  readonly provider: Provider
  readonly account: string
  readonly state: ConnectionState | 'none'
  /** The account as the provider names it; empty where it does not. */
  readonly label: string
}

/** The accounts of a person, with a way to connect each and to end it. */
export function own(page: {
  readonly base: string
  readonly name: string
  readonly token: string
  readonly connections: readonly Own[]
}): PageAnswer {
  const { base, token } = page
  const rows = page.connections.map(({ provider, account, state, label }) => {
    const name = account === 'default' ? provider.title : `${provider.title} (${account})`
    const again = html`<p><a href="${base}/${provider.name}">Connect</a></p>`
    const end = html`<form method="post" action="${base}">
      <input type="hidden" name="token" value="${token}" />
      <input type="hidden" name="provider" value="${provider.name}" />
      <input type="hidden" name="account" value="${account}" />
      <button type="submit">Disconnect ${name}</button>
    </form>`
    return html`<section>
      <h2>${name}</h2>
      <p>${WORDS[state]}${label === '' ? '' : ` (${plainName(label)})`}.</p>
      ${state === 'live' || account !== 'default' ? undefined : again}
      ${state === 'none' ? undefined : end}
    </section>`
  })
  return showPage({
    title: 'Your accounts',
    body: html`
      <h1>Accounts that servers may use for you</h1>
      <p>You are signed in as <b>${plainName(page.name)}</b>.</p>
      ${rows}
    `,
  })
}

const WORDS: Readonly<Record<Own['state'], string>> = {
  none: 'Not connected',
  live: 'Connected',
  dead: 'Connected, but it gives no more access: connect it again',
}

/** How it came out, once the browser is back. */
export function finished(result: Finished, { title }: Provider, clear: string): PageAnswer {
  const cookies = [clear]
  switch (result.kind) {
    case 'connected': {
      const { lacking } = result
      const missing = html`<p>
        ${title} did not give all access that was asked for: ${lacking.join(', ')}.
      </p>`
      return showPage({
        title: `${title} is connected`,
        cookies,
        body: html`
          <h1>${title} is connected</h1>
          ${lacking.length > 0 ? missing : undefined}
          <p>You can close this window and try again what you were doing.</p>
        `,
      })
    }
    case 'denied':
      return problem(
        200,
        'Not connected',
        `${title} said: ${result.code}. Nothing was changed.`,
        cookies,
      )
    case 'failed':
      return problem(502, 'Not connected', `${title} gave no token. Try again in a while.`, cookies)
    case 'unknown':
      return problem(400, 'Not connected', BEGIN_AGAIN, cookies)
  }
}

const BEGIN_AGAIN =
  'This was not begun in this browser by the person who is signed in, or too long ago. Open the link again that you were given.'

export function notFound(): PageAnswer {
  return problem(404, 'Not found', 'There is nothing to connect here.')
}

export function signInFirst(): PageAnswer {
  return problem(
    401,
    'Sign in first',
    'Sign in to this gateway in this browser, then open the link again.',
  )
}

export function staleLink(): PageAnswer {
  return problem(
    400,
    'This link has ended',
    'It was used already, or is too old. Ask for what you wanted again to get a new one.',
  )
}

export function otherPerson(name: string): PageAnswer {
  const text = `You are signed in as ${plainName(name)}, and this link was made for somebody else. Do not connect an account for others.`
  return problem(403, 'This link is not for you', text)
}

export function forged(): PageAnswer {
  return problem(
    403,
    'Nothing was done',
    'The form was not sent by this page. Open the link again.',
  )
}

function problem(
  status: number,
  title: string,
  text: string,
  cookies: readonly string[] = [],
): PageAnswer {
  return showPage({
    status,
    title,
    cookies,
    body: html`<h1>${title}</h1>
      <p>${text}</p>`,
  })
}
