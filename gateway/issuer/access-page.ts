/** The page on which people see what they have allowed, and take it back. */
import type { Html } from '../pages/html.ts'
import { html } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { showPage } from '../pages/page.ts'
import type { Consent } from './consents.ts'
import type { ProtectedServer } from './setup.ts'

export type AccessPage = {
  readonly action: string
  readonly formToken: string
  readonly name: string
  readonly consents: readonly Consent[]
  /** Those there are. */
  readonly servers: readonly ProtectedServer[]
  /** Where the person's connected accounts are; undefined where there can be none. */
  readonly connectPath: string | undefined
}

export function showAccess(page: AccessPage): PageAnswer {
  const { action, formToken, name, consents, servers, connectPath } = page
  const token = html`<input type="hidden" name="form_token" value="${formToken}" />`
  const rows = consents.map(({ client, redirect, name, allowed }, index) => {
    const id = `application-${index}`
    const what = Object.entries(allowed).map(([resource, scopes]) => {
      const server = servers.find((one) => one.resource === resource)
      return scopes.length === 0 ? undefined : allowedOn(server, resource, scopes)
    })
    return html`<section>
      <h2 id="${id}">${name === '' ? client : name}</h2>
      <ul>
        ${what}
      </ul>
      <p class="soft">Answers go to ${placeOf(redirect)}. Id: <code>${client}</code></p>
      <form method="post" action="${action}">
        ${token}
        <input type="hidden" name="client" value="${client}" />
        <input type="hidden" name="redirect" value="${redirect}" />
        <div class="actions">
          <button type="submit" name="do" value="revoke" aria-describedby="${id}">
            End its access
          </button>
        </div>
      </form>
    </section>`
  })
  const nothing = html`<p>No application may act for you.</p>`
  const accounts = html`<h2>Your accounts at other services</h2>
    <p><a href="${connectPath}">See which are connected, connect others or end them</a></p>`
  const body = html`<h1>Applications that may act for you</h1>
    <p class="soft">You are signed in as ${name}.</p>
    ${rows.length === 0 ? nothing : rows} ${connectPath === undefined ? undefined : accounts}
    <h2>Sign out</h2>
    <p>
      This signs you out of this browser and ends what applications were allowed in this session.
    </p>
    <form method="post" action="${action}">
      ${token}
      <div class="actions"><button type="submit" name="do" value="sign-out">Sign out</button></div>
    </form>`
  return showPage({ title: 'Your access', body })
}

function allowedOn(
  server: ProtectedServer | undefined,
  resource: string,
  scopes: readonly string[],
): Html {
  const name = server?.words?.title ?? server?.name ?? resource
  const words = scopes.map(
    (scope) => server?.words?.scopes.get(scope) ?? html`<code>${scope}</code>`,
  )
  return html`<li>
    ${name}:
    <ul>
      ${words.map((one) => html`<li>${one}</li>`)}
    </ul>
  </li>`
}

/** As the page said on which it was allowed. */
function placeOf(redirect: string): string {
  if (redirect === '') return 'the device that showed a code'
  const { protocol, hostname } = new URL(redirect)
  if (protocol === 'http:') return 'a program on your computer'
  return protocol === 'https:' ? hostname : `an application on your device (${protocol})`
}
