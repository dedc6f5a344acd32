/** Small pictures drawn for our pages, in the colour of the text beside them. They say nothing that no word says. */
import type { Html } from './html.ts'
import { html } from './html.ts'

const PATHS = {
  person: html`<circle cx="12" cy="8" r="4" /><path d="M4 21a8 8 0 0 1 16 0" />`,
  agent: html`<rect x="4" y="8" width="16" height="12" rx="3" /><path
      d="M12 8V4M9 13v2M15 13v2"
    /><circle cx="12" cy="3" r="1" />`,
  server: html`<rect x="4" y="4" width="16" height="7" rx="2" /><rect
      x="4"
      y="13"
      width="16"
      height="7"
      rx="2"
    /><path d="M8 7.5h.01M8 16.5h.01" />`,
  cloud: html`<path d="M7 19a5 5 0 0 1-.5-9.97A6 6 0 0 1 18 10.5 4.3 4.3 0 0 1 17.5 19z" />`,
  reads: html`<path d="M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z" /><circle
      cx="12"
      cy="12"
      r="3"
    />`,
  changes: html`<path d="M4 20l1-5L16 4l4 4L9 19z" /><path d="M13.5 6.5l4 4" />`,
  deletes: html`<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5" />`,
  unsaid: html`<circle cx="12" cy="12" r="9" /><path
      d="M9.3 9.5a2.8 2.8 0 1 1 3.9 2.6c-.8.4-1.2 1-1.2 1.9M12 17h.01"
    />`,
  not: html`<circle cx="12" cy="12" r="9" /><path d="M5.6 5.6l12.8 12.8" />`,
} as const

export type IconName = keyof typeof PATHS

/** The picture of that name; hidden from readers of text. */
export function icon(name: IconName): Html {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    ${PATHS[name]}
  </svg>`
}
