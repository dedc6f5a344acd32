/**
 * Knows credentials by their look. People paste a whole key or token where its name is asked for; what
 * is kept or written down must never hold one.
 */
import { API_KEY_MARK } from './api-keys.ts'

/** An API key with any of its secret. */
const API_KEY = /ghk_[A-Za-z0-9_-]{8}_[A-Za-z0-9_-]+/

/** A JWT (RFC 7519): its first part is a JSON object, `{"` in base64url. The end may be cut off. */
const JWT = /eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*/

const ANY = new RegExp(`${API_KEY.source}|${JWT.source}`, 'g')

/** Returns which credential stands anywhere in a text; undefined when none does. */
export function credentialIn(text: string): 'api_key' | 'jwt' | undefined {
  if (API_KEY.test(text)) return 'api_key'
  return JWT.test(text) ? 'jwt' : undefined
}

/** Returns what is wrong when `text`, called `field`, holds a credential where its name is asked for. */
export function credentialFault(field: string, text: string): string | undefined {
  switch (credentialIn(text)) {
    case 'jwt':
      return `${field} holds a whole token; give its jti, a claim inside it, and never the token`
    case 'api_key':
      return `${field} holds a whole API key; give its prefix, the 8 characters after ghk_`
    default:
      return undefined
  }
}

/** Returns the text with `[credential]` in place of every credential in it. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(ANY, '[credential]')
}

/** Returns the prefix of an API key given whole or as `ghk_<prefix>`, and any other text as it is. */
export function apiKeyPrefix(text: string): string {
  const marked = text.startsWith(API_KEY_MARK) ? text.slice(API_KEY_MARK.length) : ''
  return /^([A-Za-z0-9_-]{8})(?:_.*)?$/s.exec(marked)?.[1] ?? text
}
