/** Has each request of a test served by another worker than the one before. */

const plainFetch = fetch

/** From now on `fetch` opens a connection for each request, and connections go to workers in turns. */
export function takeTurns(): void {
  if (fetch !== fetchOnce) Object.assign(globalThis, { fetch: fetchOnce })
}

const fetchOnce: typeof fetch = (to, init) => {
  const headers = new Headers(init?.headers ?? (to instanceof Request ? to.headers : undefined))
  headers.set('connection', 'close')
  return plainFetch(to, { ...init, headers })
}
