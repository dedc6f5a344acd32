/** Cookies of our own: names that a browser accepts only over TLS and for this host alone (RFC 6265bis §4.1.3). */

/** The cookie that says who is signed in; every room with pages reads it. */
export const SESSION_COOKIE = 'gatehouse-session'

export type CookieName = {
  /** With the prefix where there is TLS. */
  readonly name: string
  /** `set(value, maxAgeSeconds)`: a `Set-Cookie` value; an age of 0 removes it. */
  readonly set: (value: string, maxAgeSeconds: number) => string
}

/**
 * A cookie for the whole host, out of reach of scripts. Lax: it comes along when another site sends the
 * browser here by a link, and never with a form of another site.
 *
 * @param secure Whether the public URL is https. Without TLS, which only loopback may do, browsers would
 *   not take a `__Host-` cookie.
 */
export function hostCookie(plain: string, secure: boolean): CookieName {
  const name = secure ? `__Host-${plain}` : plain
  const flags = secure ? 'Path=/; Secure; HttpOnly; SameSite=Lax' : 'Path=/; HttpOnly; SameSite=Lax'
  return {
    name,
    set: (value, maxAgeSeconds) => `${name}=${value}; Max-Age=${maxAgeSeconds}; ${flags}`,
  }
}

/** The value of a cookie; undefined when it is not there, or there twice, which nobody could tell apart. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const found = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
}
