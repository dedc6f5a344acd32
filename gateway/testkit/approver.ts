/** A person with an API key at the page of a request, without a browser: forms as they stand in the pages. */

export type Approver = {
  /** The cookie of the session; empty before signing in. */
  readonly cookie: string
  get(): Promise<Shown>
  signIn(apiKey: string): Promise<Shown>
  /** Presses a button of the page, with its hidden fields; `more` replaces what is sent. */
  press(name: string, more?: Pressed): Promise<Shown>
}

type Fields = Readonly<Record<string, string>>

export type Pressed = {
  readonly fields?: Fields
  readonly headers?: Fields
}

export type Shown = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** @param cookie What the browser has already. */
export function atPage(url: string, cookie = ''): Approver {
  let jar = cookie
  const { origin } = new URL(url)
  const ask = async (init: Omit<RequestInit, 'headers'>, sent: Fields = {}): Promise<Shown> => {
    const headers = { ...(jar === '' ? {} : { cookie: jar }), ...sent }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) jar = set.split(';', 1)[0] ?? ''
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  }
  const form = {
    'content-type': 'application/x-www-form-urlencoded',
    origin,
    'sec-fetch-site': 'same-origin',
  }
  const post = (fields: Fields, headers: Fields = {}): Promise<Shown> => {
    const body = new URLSearchParams(fields).toString()
    return ask({ method: 'POST', body }, { ...form, ...headers })
  }
  return {
    get cookie() {
      return jar
    },
    get: () => ask({}),
    signIn: (apiKey) => post({ do: 'sign-in', api_key: apiKey }),
    press: async (name, { fields = {}, headers } = {}) => {
      const { text } = await ask({})
      const token = /name="form_token" value="([^"]*)"/.exec(text)?.[1] ?? ''
      return await post({ form_token: token, do: name, ...fields }, headers)
    },
  }
}
