/** A number of things in English: `1 call`, `2 calls`. */
export function howMany(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
