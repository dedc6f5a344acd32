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
import type { Standing } from './entitlement.ts'
import type { Tool } from './setup.ts'

/** Scopes of other services are mostly URLs. */
const MAX_SCOPE_CHARS = 200

/** Tools named per group; the rest are counted. */
const MAX_TOOLS_SHOWN = 40

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

/** What is asked for on one server. */
export type AskedServer = {
  readonly name: string
  readonly resource: string
  readonly scopes: readonly string[]
  /** Of these, what the person allowed this client before. */
  readonly allowedBefore: readonly string[]
  /** What the policy would show the client there; empty when no list of the server was seen yet. */
  readonly tools: readonly Tool[]
}

export function showConsent(page: ConsentPage): PageAnswer {
  const { client, servers, account, formTargets } = page
  const name = plainName(client.name) || client.id
  const where = servers.map((server) => server.name).join(', ')
  const isMore = servers.some(({ allowedBefore }) => allowedBefore.length > 0)
  const title = `${name} wants to use ${where}`
  const body = html`<h1>${name} wants ${isMore ? 'more access to' : 'to use'} ${where} for you</h1>
    <p class="soft">You are signed in as ${account}.</p>
    ${whoAsks(page, name)}
    <form method="post" action="${page.action}">
      <input type="hidden" name="form_token" value="${page.formToken}" />
      ${servers.map(describeServer)} ${yourAccounts(page.accounts)} ${whereTo(page.redirect)}
      <div class="actions">
        <button class="main" type="submit" name="do" value="allow">Allow</button>
        <button type="submit" name="do" value="deny">Do not allow</button>
      </div>
    </form>
    <p class="soft">
      Gatehouse passes on to ${name} only what the rules of this gateway let it do. At
      <a href="${ACCESS_PATH}">your access</a> you can end it at any time.
    </p>`
  return showPage({ title, body, formTargets })
}

const WHO: Readonly<Record<Standing, string>> = {
  configured: 'The operator of this gateway has set up this application.',
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
  const mark = html`<strong>${isSure ? 'Known.' : (site ?? 'Unverified.')}</strong>`
  return html`<div class="note ${isSure ? 'good' : 'warn'}">
    <p>${mark} ${WHO[client.standing]}</p>
    <p class="soft">Name: ${name} · Id: <code>${client.id}</code></p>
  </div>`
}

const GROUPS = [
  { effect: 'reads', icon: '👁', title: 'It may look things up with' },
  { effect: 'changes', icon: '✎', title: 'It may add and change things with' },
  { effect: 'deletes', icon: '⚠', title: 'It may delete or overwrite things with' },
  {
    effect: 'unsaid',
    icon: '•',
    title: 'It may use, and the server does not say whether they change or delete anything:',
  },
] as const

function describeServer(server: AskedServer): Html {
  const groups = GROUPS.map(({ effect, icon, title }) => {
    const tools = server.tools.filter((tool) => tool.effect === effect)
    return tools.length === 0 ? undefined : toolGroup(tools, `${icon} ${title}`)
  })
  const unknown = html`<p>
    What ${server.name} can do is not known yet: nobody has asked it. The rules of this gateway
    decide about every single use.
  </p>`
  return html`<h2>On ${server.name}</h2>
    ${server.tools.length === 0 ? unknown : groups}
    <fieldset>
      <legend class="soft">What you allow</legend>
      ${server.scopes.map((scope) => scopeBox(server, scope))}
    </fieldset>
    <p class="soft">Server: <code>${server.resource}</code></p>`
}

function toolGroup(tools: readonly Tool[], title: string): Html {
  const shown = tools.slice(0, MAX_TOOLS_SHOWN)
  const more = tools.length - shown.length
  return html`<details open>
    <summary>${title} (${tools.length} ${tools.length === 1 ? 'tool' : 'tools'})</summary>
    <ul>
      ${shown.map((tool) => html`<li><code>${plainName(tool.name)}</code></li>`)}
      ${more > 0 ? html`<li>and ${more} more</li>` : undefined}
    </ul>
  </details>`
}

function scopeBox({ resource, allowedBefore }: AskedServer, scope: string): Html {
  const isOld = allowedBefore.includes(scope)
  const value = `${resource} ${scope}`
  return html`<label class="check"
    ><input type="checkbox" name="scope" value="${value}" checked />
    <span
      ><code>${scope}</code
      >${isOld ? html` <span class="soft">(you allowed this before)</span>` : undefined}</span
    ></label
  >`
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
  if (redirect === '') {
    return html`<h2>Where the answer is sent</h2>
      <p>To <strong>the device</strong> that showed you the code.</p>`
  }
  const { protocol, host, hostname } = new URL(redirect)
  const isHere = protocol === 'http:'
  const place = host === '' ? protocol : hostname
  const warning = isHere
    ? html`<p class="note warn">
        <strong>On this computer.</strong> The answer goes to a program on the computer you are
        using now. Go on only if you started it.
      </p>`
    : undefined
  return html`<h2>Where the answer is sent</h2>
    <p>You will be taken to <strong>${place}</strong>.</p>
    ${warning}`
}
