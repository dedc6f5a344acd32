/** What is neither white space, a control, nor what some readers take for a slash. */
const PLAIN = /^https?:\/\/[^\s\p{Cc}\\]+$/iu

/**
 * Whether a text is the absolute URL of a page (`http:` or `https:`), for every reader the same. Whatever
 * else a URL may be (`javascript:`, `data:`, `file:`, a scheme of some program) does something when it is
 * opened.
 */
export function isWebAddress(text: string): boolean {
  return PLAIN.test(text) && URL.canParse(text)
}
