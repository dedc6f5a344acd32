/**
 * A page for a person, whole: layout, style and the headers that keep it from being framed, scripted,
 * cached or leaked by its address (R-CONS). No page has a script; every page works without one.
 */
import type { Html } from './html.ts'
import { html } from './html.ts'
import { STYLE, STYLE_SOURCE } from './style.ts'

/** What goes back to a browser. */
export type PageAnswer = {
  readonly status: number
  /** Flat name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: string
}

export type Page = {
  /** Default 200. */
  readonly status?: number
  /** The title of the window; the page says what it is in its `h1`. */
  readonly title: string
  readonly body: Html
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[]
  /**
   * Where its forms may lead, after redirects too, besides this origin: browsers hold a redirect that
   * follows a form against it. Origins, or schemes with their colon.
   */
  readonly formTargets?: readonly string[]
  /** Whether it shows pictures, which come from this origin alone; none by default. */
  readonly pictures?: 'own' | 'none'
}

/** Makes the answer that shows a page. */
export function showPage(page: Page): PageAnswer {
  const { status = 200, title, body, cookies = [], formTargets = [], pictures = 'none' } = page
  const policy = [
    "default-src 'none'",
    ...(pictures === 'own' ? ["img-src 'self'"] : []),
    `style-src ${STYLE_SOURCE}`,
    `form-action ${["'self'", ...formTargets.filter(isSource)].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
  return {
    status,
    headers: [
      'content-type',
      'text/html; charset=utf-8',
      'content-security-policy',
      policy,
      ...SAFE_HEADERS,
      ...setCookies(cookies),
    ],
    body: write(title, body),
  }
}

/** Makes the answer that sends a browser on by GET, whatever it came with (RFC 9110 §15.4.4). */
export function redirectTo(location: string, cookies: readonly string[] = []): PageAnswer {
  return {
    status: 303,
    headers: ['location', location, ...SAFE_HEADERS, ...setCookies(cookies)],
    body: '',
  }
}

const SAFE_HEADERS = Object.entries({
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}).flat()

function setCookies(cookies: readonly string[]): readonly string[] {
  return cookies.flatMap((cookie) => ['set-cookie', cookie])
}

/** An origin or a scheme: nothing that could end the directive or begin another. */
function isSource(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:(\/\/[a-z0-9.:[\]-]+)?$/i.test(text)
}

function write(title: string, body: Html): string {
  // The style is part of the program, and the text that its hash allows.
  const head = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
     `.text
  const rest = html`
    </head>
    <body>
      <main>
        <div class="card">${body}</div>
      </main>
    </body>
    </html>
  `.text
  return `${head}<style>${STYLE}</style>${rest}`
}
