/**
 * Whether a text may serve as a name (of a method, tool, prompt, resource or task) or as an id: it is
 * well-formed Unicode without control characters (C0, DEL, C1). Readers differ on what they make of
 * others, and names travel on into headers, records and labels. An empty text is plain.
 */
export function isPlainText(text: string): boolean {
  let wide = false
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false
    wide ||= code > 0x7f
  }
  return !wide || text.isWellFormed()
}
