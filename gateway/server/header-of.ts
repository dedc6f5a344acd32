import type { Visit } from '../pipeline/visit.ts'

/** A header of the request, by its name in lower case; undefined when it is not there, or there twice. */
export function headerOf({ rawHeaders }: Visit, name: string): string | undefined {
  const found: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) found.push(rawHeaders[at + 1] ?? '')
  }
  return found.length === 1 ? found[0] : undefined
}
