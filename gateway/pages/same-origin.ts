/**
 * Whether a form was sent by a page of ours. Browsers say so themselves (Fetch Metadata, `Origin`),
 * which no other site can change; the token in the form is the second lock.
 */

export type FormHeaders = {
  /** `Origin`. */
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`. */
  readonly fetchSite: string | undefined
}

/**
 * Pages of ours send no referrer, so browsers write `Origin: null` on their forms (Fetch §3.2.5); that
 * counts only where the browser also says that the form came from the same origin. What sends neither
 * header is no browser that could be made to send a form.
 */
export function isFromOwnPage({ origin, fetchSite }: FormHeaders, own: string): boolean {
  if (fetchSite !== undefined && fetchSite !== 'same-origin') return false
  if (origin === undefined || origin === own) return true
  return origin === 'null' && fetchSite === 'same-origin'
}
