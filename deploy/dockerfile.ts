/**
 * Reads a Dockerfile as far as its tests need it, and lays out what its first stage copies in, so that
 * the entry command can be run where there is no container engine.
 */
import { cpSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, matchesGlob, relative } from 'node:path'

/** One instruction: its word in capitals, and the rest with continued lines joined. */
export type Instruction = { readonly word: string; readonly rest: string }

/** The instructions from one `FROM` up to the next. */
export type Stage = { readonly from: string; readonly instructions: readonly Instruction[] }

/** Returns the stages of a Dockerfile in order. */
export function readStages(text: string): readonly Stage[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { from: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? []
    if (word === 'FROM') stages.push({ from: rest, instructions: [] })
    else stages.at(-1)?.instructions.push({ word, rest: rest.replaceAll(/\s+/g, ' ') })
  }
  return stages
}

/** Returns what follows each `word` of a stage. */
export function all(stage: Stage, word: string): readonly string[] {
  return stage.instructions.filter((each) => each.word === word).map((each) => each.rest)
}

/** Returns an instruction in exec form (`["a", "b"]`) as its words; throws on the shell form. */
export function execForm(text: string | undefined): readonly string[] {
  const words: unknown = JSON.parse(text ?? '')
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${text}`)
  return words.map(String)
}

/** Copies what a stage's `COPY` instructions bring from the project, without what is ignored. */
export function layOut(options: {
  readonly stage: Stage
  readonly project: string
  readonly ignore: string
  readonly target: string
}): void {
  const { stage, project, target } = options
  const isIgnored = readIgnore(options.ignore)
  for (const words of all(stage, 'COPY').map((rest) => rest.split(' '))) {
    const destination = words.at(-1)!
    for (const source of words.slice(0, -1)) {
      const from = join(project, source)
      const into = destination.endsWith('/') && !statSync(from).isDirectory()
      const to = join(target, destination, into ? (source.split('/').at(-1) ?? '') : '')
      mkdirSync(dirname(to), { recursive: true })
      cpSync(from, to, {
        recursive: true,
        filter: (path) => path === from || !isIgnored(relative(project, path)),
      })
    }
  }
}

/** Returns whether a path is ignored: the last matching line of `.dockerignore` decides. */
function readIgnore(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keep: line.startsWith('!'), glob: line.replace('!', '') }))
  return (path) =>
    rules.findLast(({ glob }) => matchesGlob(path, glob) || matchesGlob(path, `${glob}/**`))
      ?.keep !== true
}
