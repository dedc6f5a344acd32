/** The picture of which data goes where: who is involved, from the person to the last service. */
import type { Html } from '../pages/html.ts'
import { html } from '../pages/html.ts'
import { icon } from '../pages/icons.ts'
import { showLogo } from './logos.ts'
import type { Logo } from '../model/consent-words.ts'

export type Picture = {
  /** The application, as it is shown. */
  readonly client: string
  readonly servers: readonly { readonly title: string; readonly logo: Logo | undefined }[]
  /** Services where accounts of the person are used, by what people call them. */
  readonly services: readonly string[]
}

/** A list in the order in which data travels; the arrows between are drawn by its style. */
export function drawPicture({ client, servers, services }: Picture): Html {
  const names = servers.map(({ title }) => title).join(', ')
  const [sole] = servers
  const mark = servers.length === 1 && sole?.logo ? showLogo(sole.logo) : icon('server')
  const last = html`<li>
    ${icon('cloud')}<b>${services.join(', ')}</b><span>with your account</span>
  </li>`
  return html`<h2>Which data goes where</h2>
    <ol class="flow">
      <li>${icon('person')}<b>You</b><span>decide here</span></li>
      <li>${icon('agent')}<b>${client}</b><span>asks for you</span></li>
      <li>${mark}<b>${names}</b><span>answers</span></li>
      ${services.length === 0 ? undefined : last}
    </ol>
    <p class="soft">
      What ${client} asks for is checked by the rules of this gateway, each time. What ${names}
      answers goes to ${client}, and from there wherever ${client} sends it. None of them learns
      your password.
    </p>`
}
