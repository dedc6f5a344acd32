/** What is asked for on one server, in the words of its operator, of its tools and of its scopes. */
import type { ConsentWords } from '../model/consent-words.ts'
import type { Html } from '../pages/html.ts'
import { html, plainName } from '../pages/html.ts'
import { icon } from '../pages/icons.ts'
import { BASE_SCOPE } from './entitlement.ts'
import { showLogo } from './logos.ts'
import type { Tool } from './setup.ts'

/** Tools named per group; the rest are counted. */
export const MAX_TOOLS_SHOWN = 40

/** What is asked for on one server. */
export type AskedServer = {
  readonly name: string
  readonly words: ConsentWords | undefined
  readonly resource: string
  readonly scopes: readonly string[]
  /** Of these, what the person allowed this client before. */
  readonly allowedBefore: readonly string[]
  /** Whether the client was ever allowed anything there. */
  readonly isKnown: boolean
  /**
   * What the policy would let the client use there, without what it could before where it asks for more;
   * empty when no list of the server was seen yet.
   */
  readonly tools: readonly Tool[]
}

/** What people call a server. */
export function titleOf({ name, words }: Pick<AskedServer, 'name' | 'words'>): string {
  return words?.title ?? name
}

/** What was not allowed before. */
export function newScopes({ scopes, allowedBefore }: AskedServer): readonly string[] {
  return scopes.filter((scope) => !allowedBefore.includes(scope))
}

/** Whether the client, once allowed something there, asks for more. */
export function asksForMore(server: AskedServer): boolean {
  return server.isKnown && newScopes(server).length > 0
}

const GROUPS = [
  { effect: 'reads', doing: 'look things up', title: 'Look things up with' },
  { effect: 'changes', doing: 'add and change things', title: 'Add and change things with' },
  { effect: 'deletes', doing: 'delete or overwrite things', title: 'Delete or overwrite with' },
  {
    effect: 'unsaid',
    doing: 'use tools of which the server does not say what they do',
    title: 'Use, though the server does not say whether they change or delete anything:',
  },
] as const

/** The part of the page that says what a client could do at one server. */
export function describeServer(server: AskedServer): Html {
  const { words, resource, tools } = server
  const logo = words?.logo === undefined ? undefined : showLogo(words.logo)
  const groups = GROUPS.map(({ effect, title }) => {
    const own = tools.filter((tool) => tool.effect === effect)
    return own.length === 0 ? undefined : toolGroup(own, html`${icon(effect)} ${title}`)
  })
  return html`<h2 class="named">${logo} ${titleOf(server)}</h2>
    ${words?.sentence === undefined ? undefined : html`<p>${words.sentence}</p>`}
    ${tools.length === 0 ? unknownTools(server) : html`${summary(server)} ${groups}`}
    ${scopeBoxes(server)}
    <p class="soft">Server: <code>${resource}</code></p>`
}

/** In a sentence: what it may do, and what it may not. */
function summary(server: AskedServer): Html {
  const { tools } = server
  const count = (effect: Tool['effect']) => tools.filter((tool) => tool.effect === effect).length
  const can = GROUPS.filter(({ effect }) => count(effect) > 0).map(
    ({ effect, doing }) => `${doing} (${counted(count(effect))})`,
  )
  const isMore = asksForMore(server)
  return html`<p>${isMore ? 'Besides, it may' : 'It may'} ${listed(can)}.</p>
    ${isMore ? undefined : cannot(count)}`
}

/** Only where every tool says what it does: of the others nothing can be promised. */
function cannot(count: (effect: Tool['effect']) => number): Html | undefined {
  if (count('unsaid') > 0) return undefined
  const not = GROUPS.filter(({ effect }) => effect === 'changes' || effect === 'deletes')
    .filter(({ effect }) => count(effect) === 0)
    .map(({ doing }) => doing)
  if (not.length === 0) return undefined
  return html`<p class="iconic">
    ${icon('not')} <span>It may not ${listed(not, 'or')} with the tools there are now.</span>
  </p>`
}

function unknownTools(server: AskedServer): Html {
  if (asksForMore(server)) return html`<p>No further tool is known that it would be shown.</p>`
  return html`<p>
    What ${titleOf(server)} can do is not known yet: nobody has asked it. The rules of this gateway
    decide about every single use.
  </p>`
}

function toolGroup(tools: readonly Tool[], title: Html): Html {
  const shown = tools.slice(0, MAX_TOOLS_SHOWN)
  const more = tools.length - shown.length
  return html`<details>
    <summary>${title} (${counted(tools.length)})</summary>
    <ul>
      ${shown.map(({ name, summary }) => html`<li><code>${plainName(name)}</code> ${summary}</li>`)}
      ${more > 0 ? html`<li>and ${more} more</li>` : undefined}
    </ul>
  </details>`
}

/** What is new is asked for; what was allowed before is kept out of the way, and can still be left out. */
function scopeBoxes(server: AskedServer): Html | undefined {
  const { allowedBefore, scopes } = server
  const fresh = newScopes(server)
  if (!asksForMore(server) || allowedBefore.length === 0)
    return boxes('What you allow', server, scopes)
  return html`${boxes('What is new', server, fresh)}
    <details>
      <summary class="soft">What you allowed before stays as it is</summary>
      ${boxes('What you allowed before', server, allowedBefore)}
    </details>`
}

function boxes(legend: string, server: AskedServer, scopes: readonly string[]): Html | undefined {
  if (scopes.length === 0) return undefined
  return html`<fieldset>
    <legend class="soft">${legend}</legend>
    ${scopes.map((scope) => scopeBox(server, scope))}
  </fieldset>`
}

function scopeBox(server: AskedServer, scope: string): Html {
  const { resource, words } = server
  // A server without scopes is given as a whole.
  const whole = scope === BASE_SCOPE ? `Use ${titleOf(server)}` : undefined
  const sentence = words?.scopes.get(scope) ?? whole
  const name = html`<code>${scope}</code>`
  const label = sentence === undefined ? name : html`${sentence} <span class="soft">${name}</span>`
  return html`<label class="check"
    ><input type="checkbox" name="scope" value="${`${resource} ${scope}`}" checked />
    <span>${label}</span></label
  >`
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'tool' : 'tools'}`
}

function listed(parts: readonly string[], word = 'and'): string {
  const last = parts.at(-1) ?? ''
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} ${word} ${last}`
}
