/** What every verb begins with: its arguments are read, its help is told, and so is what was wrong. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { nearest } from '../settings/nearest.ts'
import type { Io } from './io.ts'

/** Options by name, as `util.parseArgs` gives them. */
export type ValuesOf<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options }>
>['values']

/** What was given to a verb. */
export type Given<Options extends ParseArgsOptionsConfig> = {
  readonly values: ValuesOf<Options>
  /** What stands beside options. */
  readonly words: readonly string[]
}

/** Every verb has it. */
const HELP = { help: { type: 'boolean', short: 'h' } } as const

/**
 * Reads the arguments of a verb; undefined when they ask for help, which is then printed.
 *
 * @param verb.takesWords Whether anything may stand beside options.
 * @throws what `util.parseArgs` throws, for options it does not know in plainer words.
 */
export function readArgs<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  verb: { readonly usage: string; readonly options: Options; readonly takesWords?: true },
  io: Pick<Io, 'out'>,
): Given<Options> | undefined {
  const options = { ...verb.options, ...HELP }
  const allowPositionals = verb.takesWords === true
  const { values, positionals } = inPlainWords(Object.keys(options), () =>
    parseArgs({ args: [...args], allowPositionals, options }),
  )
  if ('help' in values) {
    io.out(verb.usage)
    return undefined
  }
  return { values, words: positionals }
}

/** The runtime says of an unknown option how it could be meant as something else, and not what was meant. */
function inPlainWords<T>(names: readonly string[], parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    const text = error instanceof Error ? error.message : ''
    const unknown = /^Unknown option '(-+([^']+))'/.exec(text)
    if (unknown === null) throw error
    const [, option, name = ''] = unknown
    const close = nearest(name, names)
    const hint = close === undefined ? '' : `; did you mean --${close}?`
    const told = new Error(`there is no option ${option}${hint}`, { cause: error })
    throw Object.assign(told, { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
  }
}

/** Says what was wrong, and how the verb is used. @returns the exit code for that. */
export function misused(io: Pick<Io, 'err'>, problem: string, usage: string): number {
  io.err(`${problem}\n\n${usage}`)
  return 2
}
