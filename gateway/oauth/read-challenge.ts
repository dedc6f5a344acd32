/** What a resource server says it wants: the `WWW-Authenticate` of a 401 or 403 (RFC 9110 §11.6.1, RFC 6750 §3). */

/** The parameters of a `Bearer` challenge that mean something here. */
export type BearerChallenge = {
  /** The error code; undefined where there was no token. */
  readonly error: string | undefined
  /** Scopes that the request needs; empty where it does not say. */
  readonly scopes: readonly string[]
  /** Where the metadata of the resource is (RFC 9728 §5.1); not checked. */
  readonly resourceMetadata: string | undefined
}

/** Characters that are read. */
const MAX_CHARS = 4_096

/** Scopes that are read: a person has to look at them. */
const MAX_SCOPES = 50

/** A name; with a value it is a parameter of the scheme before it, without one it is a scheme. */
const PART = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/gy

/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** The first challenge of the scheme `Bearer`; undefined where there is none. Of a parameter the first counts. */
export function readBearerChallenge(header: string | undefined): BearerChallenge | undefined {
  let found: Map<string, string> | undefined
  let isBearer = false
  for (const [, name = '', quoted, plain] of (header ?? '').slice(0, MAX_CHARS).matchAll(PART)) {
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
    const key = name.toLowerCase()
    if (value === undefined) {
      if (found !== undefined) break
      isBearer = key === 'bearer'
      if (isBearer) found = new Map()
    } else if (isBearer && found?.has(key) === false) found.set(key, value)
  }
  if (found === undefined) return undefined
  return {
    error: found.get('error'),
    scopes: readScopes(found.get('scope')),
    resourceMetadata: found.get('resource_metadata'),
  }
}

/** The scopes in a text, each once, within bounds. */
export function readScopes(text: string | undefined): readonly string[] {
  const words = text?.split(' ').filter((word) => SCOPE.test(word)) ?? []
  return [...new Set(words)].slice(0, MAX_SCOPES)
}
