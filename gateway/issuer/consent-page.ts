/**
 * The page on which a person decides: who asks, for which server, what it could do there by the policy
 * that will apply to it, and where the answer is sent. Words first; scopes are the small print.
 */
import type { AccountUse, NeededAccount } from '../model/needed-account.ts'
import type { Html } from '../pages/html.ts'
import { html, plainName } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { showPage } from '../pages/page.ts'
import { ACCESS_PATH } from './routes.ts'
import { drawPicture } from './consent-picture.ts'
import type { AskedServer } from './consent-server.ts'
import { asksForMore, describeServer, MAX_TOOLS_SHOWN, titleOf } from './consent-server.ts'
import type { Standing } from './entitlement.ts'

/** Scopes of other services are mostly URLs. */
const MAX_SCOPE_CHARS = 200

export type ConsentPage = {
  readonly action: string
  readonly formToken: string
  /** The person who decides. */
  readonly account: string
  readonly client: {
    readonly id: string
    /** As it calls itself. */
    readonly name: string
    readonly standing: Standing
  }
  readonly redirect: string
  readonly servers: readonly AskedServer[]
  /** Accounts at other services that the servers work with. */
  readonly accounts: readonly NeededAccount[]
  readonly formTargets: readonly string[]
}

export function showConsent(page: ConsentPage): PageAnswer {
  const { client, servers, account, accounts, formTargets } = page
  const name = plainName(client.name) || client.id
  const where = servers.map(titleOf).join(', ')
  const title = `${name} wants to use ${where}`
  const hasLogos = servers.some(({ words }) => words?.logo !== undefined)
  const picture = drawPicture({
    client: name,
    servers: servers.map((server) => ({ title: titleOf(server), logo: server.words?.logo })),
    services: [...new Set(accounts.map((one) => one.title))],
  })
  const isAgain = servers.every((server) => server.isKnown && !asksForMore(server))
  const wish = servers.some(asksForMore) ? 'more access to' : 'to use'
  const body = html`<h1>${name} wants ${wish} ${where} for you${isAgain ? ' again' : undefined}</h1>
    <p class="soft">You are signed in as ${account}.</p>
    ${whoAsks(page, name)}
    <form method="post" action="${page.action}">
      <input type="hidden" name="form_token" value="${page.formToken}" />
      ${servers.map(describeServer)} ${yourAccounts(accounts)} ${picture} ${whereTo(page.redirect)}
      ${decide(servers)}
    </form>
    <p class="soft">
      Gatehouse passes on to ${name} only what the rules of this gateway let it do. At
      <a href="${ACCESS_PATH}">your access</a> you can end it at any time.
    </p>`
  return showPage({ title, body, formTargets, pictures: hasLogos ? 'own' : 'none' })
}

/** Nobody can give what is not theirs; then all there is to do is to say so to the application. */
function decide(servers: readonly AskedServer[]): Html {
  const deny = html`<button type="submit" name="do" value="deny">Do not allow</button>`
  if (servers.every(({ scopes }) => scopes.length === 0)) {
    return html`<p class="note warn" role="alert">
        <strong>You cannot allow this.</strong> It asks for more than you may give. Ask the operator
        of this gateway.
      </p>
      <div class="actions">${deny}</div>`
  }
  return html`<div class="actions">
    <button class="main" type="submit" name="do" value="allow">Allow</button>
    ${deny}
  </div>`
}

const WHO: Readonly<Record<Standing, string>> = {
  configured: 'The operator of this gateway has set up this application.',
  vouched_for:
    'Somebody whom the operator of this gateway trusts says what this is, and where answers go.',
  registered_with_token:
    'This application registered itself with a token that the operator gave out.',
  described:
    'This application is described by the site below, and answers are sent where that site says.',
  self_registered:
    'This application registered itself. Anybody could use this name: go on only if you have just started it yourself.',
}

function whoAsks({ client }: ConsentPage, name: string): Html {
  const isSure = client.standing === 'configured'
  const { hostname } = URL.parse(client.id) ?? {}
  const site = client.standing === 'described' ? hostname : undefined
  const isVouchedFor = client.standing === 'vouched_for'
  const word = isVouchedFor ? 'Vouched for.' : 'Unverified.'
  const mark = html`<strong>${isSure ? 'Known.' : (site ?? word)}</strong>`
  return html`<div class="note ${isSure ? 'good' : 'warn'}">
    <p>${mark} ${WHO[client.standing]}</p>
    <p class="soft">Name: ${name} · Id: <code>${client.id}</code></p>
  </div>`
}

function yourAccounts(accounts: readonly NeededAccount[]): Html | undefined {
  if (accounts.length === 0) return undefined
  const isOpen = accounts.some(({ isConnected }) => !isConnected)
  const next = html`<p class="soft">
    When you have allowed it, you are asked to connect what is not connected yet. You can leave out
    any of them.
  </p>`
  return html`<h2>Accounts of yours that are used</h2>
    <ul>
      ${accounts.map(describeAccount)}
    </ul>
    ${isOpen ? next : undefined}`
}

function describeAccount({ title, account, uses, scopes, isConnected }: NeededAccount): Html {
  const name = account === 'default' ? title : `${title} (${plainName(account)})`
  const access = html`<br /><span class="soft"
      >Access:
      ${scopes.map((scope) => html`<code>${plainName(scope, MAX_SCOPE_CHARS)}</code> `)}</span
    >`
  return html`<li>
    <strong>${name}</strong>, ${isConnected ? 'connected' : 'not connected yet'}.
    ${uses.map(describeUse)} ${scopes.length > 0 ? access : undefined}
  </li>`
}

function describeUse({ server, tools }: AccountUse): Html {
  const name = plainName(server)
  if (tools === undefined) return html`${name} uses it in your name. `
  const shown = tools.slice(0, MAX_TOOLS_SHOWN)
  const more = tools.length - shown.length
  const list = shown.map((tool) => html` <code>${plainName(tool)}</code>`)
  return html`${name} uses it in your name for${list}${more > 0 ? ` and ${more} more` : undefined}. `
}

/** CIMD §6 and R-CONS: the host in clear, and a warning where any program could be listening. */
function whereTo(redirect: string): Html {
  return html`<h2>Where the answer is sent</h2>
    ${placeOf(redirect)}`
}

function placeOf(redirect: string): Html {
  if (redirect === '') return html`<p>To <strong>the device</strong> that showed you the code.</p>`
  const { protocol, hostname } = new URL(redirect)
  if (protocol === 'https:') return html`<p>You will be taken to <strong>${hostname}</strong>.</p>`
  if (protocol === 'http:') {
    return html`<p>To <strong>${hostname}</strong>, which is this computer.</p>
      <p class="note warn">
        <strong>On this computer.</strong> A program that runs on the computer you are using now
        gets the answer. Go on only if you started it.
      </p>`
  }
  // What stands at the place of the host there is nobody's host, and is not shown.
  return html`<p>An application on this device will open: <strong>${protocol}</strong></p>
    <p class="note warn">
      <strong>On this device.</strong> Any application here could have claimed that address. Go on
      only if you have just started the one that asks.
    </p>`
}
