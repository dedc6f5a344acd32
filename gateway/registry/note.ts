/** Whether a text that was given is empty, too long or holds control characters; false for undefined. */
export function isBlankOrLong(text: string | undefined, maxChars: number): boolean {
  if (text === undefined) return false
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text === '' || text.length > maxChars || /[\u0000-\u001f\u007f]/.test(text)
}
