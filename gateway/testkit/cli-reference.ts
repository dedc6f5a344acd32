/** Writes `docs/cli.md` from what the commands say themselves: `make docs`. A test compares. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../cli/main.ts'

export const CLI_REFERENCE = join(import.meta.dirname, '../../docs/cli.md')

const OPENING = `# The command

\`gatehouse\`, as the npm package installs it; in a checkout \`gateway/gatehouse\`. Each section
is what the command says with \`--help\`; \`make docs\` writes this page.
`

/** Returns the page: the overview, then one section per verb in the order of the overview. */
export async function cliReference(): Promise<string> {
  const overview = await ask(['--help'])
  const verbs = Array.from(overview.matchAll(/^ {2}(\S+(?: \S+)*)/gm), ([, use]) => verbOf(use!))
  const sections = [OPENING, fenced(overview)]
  for (const verb of verbs) {
    sections.push(`## gatehouse ${verb.join(' ')}\n`, fenced(await ask([...verb, '--help'])))
  }
  return sections.join('\n')
}

/** The leading plain words of a usage: `policy test FILE…` is the verb `policy test`. */
function verbOf(use: string): readonly string[] {
  return /^[a-z-]+(?: [a-z][a-z-]*)*(?![^ ])/.exec(use)?.[0].split(' ') ?? []
}

async function ask(args: readonly string[]): Promise<string> {
  const lines: string[] = []
  const out = (line: string): number => lines.push(line)
  const code = await run(args, { out, err: out, env: {} })
  if (code !== 0) throw new Error(`gatehouse ${args.join(' ')}: exit code ${code}`)
  return lines.join('\n').trimEnd()
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\`\n`
}

if (import.meta.main) await writeFile(CLI_REFERENCE, await cliReference())
