/**
 * A browser without a screen: keeps cookies as browsers do, follows redirects on one origin, fills in the
 * forms it is shown and sends them as a browser would. For walking through pages that need no script.
 */

export type Shown = {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

type Sent = {
  readonly method: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

type Cookie = { readonly name: string; readonly value: string; readonly path: string }

/** Redirects followed in a row. */
const MAX_REDIRECTS = 20

export class FormRobot {
  readonly #cookies: Cookie[] = []
  readonly #fetch: typeof fetch

  constructor(options: { readonly fetch?: typeof fetch } = {}) {
    this.#fetch = options.fetch ?? fetch
  }

  /** Cookies held, `name=value`. */
  get cookies(): readonly string[] {
    return this.#cookies.map(({ name, value }) => `${name}=${value}`)
  }

  /** A robot with the same cookies. */
  clone(): FormRobot {
    const copy = new FormRobot({ fetch: this.#fetch })
    copy.#cookies.push(...this.#cookies)
    return copy
  }

  /** Opens an address and follows redirects while they stay on its origin. */
  async open(url: string): Promise<Shown> {
    return await this.#go(url, { method: 'GET' })
  }

  /** Sends the first form of a page, with these fields over its own and this button pressed. */
  async submit(
    page: Shown,
    fields: Readonly<Record<string, string | readonly string[]>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Shown> {
    const form = readForm(page)
    for (const [name, value] of Object.entries(fields)) {
      form.fields.delete(name)
      for (const one of typeof value === 'string' ? [value] : value) form.fields.append(name, one)
    }
    const action = new URL(form.action, page.url).href
    return await this.#go(action, {
      method: 'POST',
      body: form.fields.toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        origin: 'null',
        ...headers,
      },
    })
  }

  async #go(start: string, init: Sent): Promise<Shown> {
    let url = start
    let request: Sent = init
    for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
      const cookie = this.#cookiesFor(new URL(url).pathname)
      const headers = { accept: 'text/html', ...request.headers, ...(cookie && { cookie }) }
      const response = await this.#fetch(url, { ...request, headers, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) this.#keep(line, new URL(url).pathname)
      const location = response.headers.get('location')
      const next = location === null ? undefined : new URL(location, url)
      if (next === undefined || next.origin !== new URL(start).origin) {
        const { status, headers } = response
        return { url, status, headers, text: await response.text() }
      }
      await response.arrayBuffer()
      url = next.href
      request = { method: 'GET' }
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects, the last to ${url}`)
  }

  #cookiesFor(path: string): string {
    return this.#cookies
      .filter((cookie) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  #keep(line: string, at: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(pair.indexOf('=') + 1)
    const attribute = (key: string): string | undefined =>
      attributes.find((one) => one.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1)
    const path = attribute('path') ?? at
    const old = this.#cookies.findIndex((cookie) => cookie.name === name && cookie.path === path)
    if (old !== -1) this.#cookies.splice(old, 1)
    const expires = attribute('expires')
    const ended = expires !== undefined && Date.parse(expires) <= Date.now()
    if (!ended && attribute('max-age') !== '0') this.#cookies.push({ name, value, path })
  }
}

/** The first form of a page: where it goes, and what it sends when nothing is changed. */
export function readForm(page: Shown): {
  readonly action: string
  readonly fields: URLSearchParams
} {
  const form = /<form[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/s.exec(page.text)
  if (form === null)
    throw new Error(`no form at ${page.url} (${page.status}): ${page.text.slice(-1500)}`)
  const fields = new URLSearchParams()
  for (const [tag] of form[2]!.matchAll(/<input[^>]*>/g)) {
    const attribute = (name: string): string | undefined =>
      new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&')
    const type = attribute('type')
    const name = attribute('name')
    if (name === undefined || (type === 'checkbox' && !tag.includes(' checked'))) continue
    if (type !== 'text' && type !== 'password') fields.append(name, attribute('value') ?? '')
  }
  return { action: form[1]!, fields }
}
