/** What a command may touch of the process: everything else it is given as arguments. */
export type Io = {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Runs a verb; resolves with the exit code: 0 done, 1 no, 2 used wrongly. */
export type Command = (args: readonly string[], io: Io) => Promise<number>
