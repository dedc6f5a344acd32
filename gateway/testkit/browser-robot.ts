/** A browser without a screen: cookies by origin, redirects followed, the one form of a page sent. */

export type Shown = {
  readonly url: URL
  readonly status: number
  readonly html: string
  readonly headers: Headers
  /** Every address on the way. */
  readonly path: readonly string[]
}

export type Sending = {
  readonly headers?: Readonly<Record<string, string>>
  readonly pick?: string
}

export type Robot = {
  /** Opens an address and follows redirects. */
  open(url: string): Promise<Shown>
  /** Sends a form of a page: the first, or the one that has `pick` in it. */
  submit(page: Shown, options?: Sending): Promise<Shown>
  setCookie(origin: string, name: string, value: string): void
}

/** Redirects in a row; more is a loop. */
const MAX_REDIRECTS = 20

export function createRobot(): Robot {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (origin: string): Map<string, string> => {
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }
  const visit = async (first: string, init: RequestInit): Promise<Shown> => {
    let url = new URL(first)
    let request = init
    const path: string[] = []
    for (let count = 0; count < MAX_REDIRECTS; count++) {
      path.push(url.href)
      const jar = jarOf(url.origin)
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const headers = { ...(request.headers as object), ...(cookie !== '' && { cookie }) }
      const response = await fetch(url, { ...request, headers, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/max-age=0|1970/i.test(line) || value === '') jar.delete(name)
        else jar.set(name, value)
      }
      const location = response.headers.get('location')
      const html = await response.text()
      if (location === null || response.status < 300 || response.status >= 400) {
        return { url, status: response.status, html, headers: response.headers, path }
      }
      url = new URL(location, url)
      request = { method: 'GET' }
    }
    throw new Error(`too many redirects: ${path.join(' -> ')}`)
  }
  return {
    open: (url) => visit(url, { method: 'GET' }),
    submit: (page, { headers = {}, pick = '' } = {}) => {
      const forms = page.html.match(/<form[\s\S]*?<\/form>/g) ?? []
      const form = forms.find((text) => text.includes(pick)) ?? ''
      const action = /<form[^>]* action="([^"]*)"/.exec(form)?.[1]
      if (action === undefined) throw new Error(`no form on ${page.url.href}: ${page.html}`)
      const fields = Array.from(
        form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g),
        ([, name = '', value = '']): [string, string] => [name, value.replaceAll('&amp;', '&')],
      )
      const own = { origin: page.url.origin, 'sec-fetch-site': 'same-origin', ...headers }
      const target = new URL(action.replaceAll('&amp;', '&'), page.url).href
      return visit(target, { method: 'POST', body: new URLSearchParams(fields), headers: own })
    },
    setCookie: (origin, name, value) => void jarOf(origin).set(name, value),
  }
}
