/** What is wrong with a glob as written: signs that its author expects more of globs than they do. */
import { MAX_GLOB_LENGTH } from './glob.ts'

/** Why this glob is refused; undefined when it is fine. */
export function globProblem(glob: string): string | undefined {
  if (glob.length > MAX_GLOB_LENGTH) return `the glob is longer than ${MAX_GLOB_LENGTH} characters`
  if (!glob.isWellFormed()) return 'the glob is not valid Unicode'
  for (const char of glob) {
    const code = char.codePointAt(0) ?? 0
    if (code < 0x20 || code === 0x7f) return 'the glob contains a control character'
  }
  return undefined
}

/** The same for names of tools, prompts and methods, where shell syntax is a mistake and not a name. */
export function nameGlobProblem(glob: string): string | undefined {
  for (const char of '[]{}\\') {
    if (!glob.includes(char)) continue
    return `"${char}" has no meaning in a glob: there are *, ** and ?; write the alternatives out`
  }
  return globProblem(glob)
}
