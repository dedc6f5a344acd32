/** The text with a `?` in the place of whatever a terminal would act on: names come from tokens and clients. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '?')
}
