import type { Path } from '../model/problem.ts'

/** A path as people write it: `issuers[0].jwks.file`. */
export function pathText(path: Path): string {
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`
      return index === 0 ? segment : `.${segment}`
    })
    .join('')
}
