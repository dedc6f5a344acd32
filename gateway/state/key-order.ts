/**
 * The order of keys: by their UTF-8 bytes, which is by code point. JavaScript compares UTF-16 units
 * instead, which puts U+FFFD after every emoji; databases do not.
 */

/** Returns a negative number when `a` comes first, a positive one when `b` does, 0 when equal. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at += 1) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/**
 * Returns the first text after everything that starts with `prefix`, so that a prefix is the range
 * from itself to that (exclusive); undefined when nothing comes after (the empty prefix).
 */
export function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const next = nextCodePoint(last.codePointAt(0) ?? 0)
    if (next !== undefined) return points.join('') + String.fromCodePoint(next)
  }
  return undefined
}

/** Moves surrogates, which stand for the highest code points, behind U+E000 to U+FFFF. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}

function nextCodePoint(point: number): number | undefined {
  if (point === 0x10ffff) return undefined
  // Surrogates are no code points of a text.
  return point === 0xd7ff ? 0xe000 : point + 1
}
