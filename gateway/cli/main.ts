#!/usr/bin/env node
/** The `gatehouse` command: one row for each verb. */
import type { Command, Io } from './io.ts'
import { readVersion } from './version.ts'

type Row = {
  readonly words: readonly string[]
  readonly use: string
  readonly does: string
  readonly load: () => Promise<Command>
}

/** Verbs are loaded when they are called, so that `--help` is instant. */
const COMMANDS: readonly Row[] = [
  {
    words: ['serve'],
    use: 'serve -c FILE',
    does: 'run the gateway',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    words: ['check'],
    use: 'check -c FILE',
    does: 'check a configuration and its policies, start nothing',
    load: async () => (await import('./check.ts')).check,
  },
  {
    words: ['policy', 'check'],
    use: 'policy check FILE…',
    does: 'check policy files by themselves',
    load: async () => (await import('./policy-check.ts')).policyCheck,
  },
  {
    words: ['policy', 'test'],
    use: 'policy test FILE…',
    does: 'run the cases beside policy files',
    load: async () => (await import('./policy-test.ts')).policyTest,
  },
  {
    words: ['policy', 'explain'],
    use: 'policy explain …',
    does: 'say which rule decides a call, and why',
    load: async () => (await import('./policy-explain.ts')).policyExplain,
  },
  {
    words: ['policy', 'diff'],
    use: 'policy diff A B …',
    does: 'show which recorded calls another policy would decide differently',
    load: async () => (await import('./policy-diff.ts')).policyDiff,
  },
  {
    words: ['policy', 'shadow-report'],
    use: 'policy shadow-report AUDIT…',
    does: 'say what rules in shadow mode would have changed',
    load: async () => (await import('./policy-shadow-report.ts')).policyShadowReport,
  },
  {
    words: ['policy', 'learn'],
    use: 'policy learn AUDIT…',
    does: 'propose a least-privilege policy from an audit log',
    load: async () => (await import('./policy-learn.ts')).policyLearn,
  },
  {
    words: ['keys', 'new'],
    use: 'keys new',
    does: 'print a new key for the key ring',
    load: async () => (await import('./keys-new.ts')).keysNew,
  },
  {
    words: ['apikeys', 'new'],
    use: 'apikeys new …',
    does: 'print a new API key and its configuration entry',
    load: async () => (await import('./apikeys-new.ts')).apikeysNew,
  },
  {
    words: ['users', 'hash'],
    use: 'users hash',
    does: 'print the hash of a password for the file of local users',
    load: async () => (await import('./users-hash.ts')).usersHash,
  },
  {
    words: ['registration-tokens', 'new'],
    use: 'registration-tokens new …',
    does: 'print a new token for clients to register with',
    load: async () => (await import('./registration-tokens-new.ts')).registrationTokensNew,
  },
  {
    words: ['signing-keys', 'rotate'],
    use: 'signing-keys rotate',
    does: 'add a key to those tokens are signed with',
    load: async () => (await import('./signing-keys.ts')).signingKeysRotate,
  },
  {
    words: ['clients', 'list'],
    use: 'clients list',
    does: 'list the clients that registered themselves',
    load: async () => (await import('./clients.ts')).clientsList,
  },
  {
    words: ['clients', 'revoke'],
    use: 'clients revoke ID…',
    does: 'remove clients that registered themselves, and refuse their tokens',
    load: async () => (await import('./clients.ts')).clientsRevoke,
  },
  {
    words: ['audit', 'verify'],
    use: 'audit verify FILE…',
    does: 'check that an audit log is whole and unaltered',
    load: async () => (await import('./audit-verify.ts')).auditVerify,
  },
  {
    words: ['pins', 'list'],
    use: 'pins list',
    does: 'list the tools whose definition a server has changed',
    load: async () => (await import('./pins.ts')).pinsList,
  },
  {
    words: ['pins', 'accept'],
    use: 'pins accept SERVER TOOL',
    does: 'accept the definition a tool has changed to',
    load: async () => (await import('./pins.ts')).pinsAccept,
  },
  {
    words: ['connections', 'list'],
    use: 'connections list …',
    does: 'print the accounts that people have connected at a running gateway',
    load: async () => (await import('./connections.ts')).connectionsList,
  },
  {
    words: ['connections', 'health'],
    use: 'connections health',
    does: 'print how many connections there are, by state',
    load: async () => (await import('./connections.ts')).connectionsHealth,
  },
  {
    words: ['connections', 'revoke'],
    use: 'connections revoke …',
    does: "forget a person's connection and revoke it at the provider",
    load: async () => (await import('./connections.ts')).connectionsRevoke,
  },
  {
    words: ['vault', 'rotate'],
    use: 'vault rotate',
    does: 'seal all connections under the current key of the key ring',
    load: async () => (await import('./connections.ts')).vaultRotate,
  },
  {
    words: ['status'],
    use: 'status',
    does: 'ask a running gateway how it is',
    load: async () => (await import('./status.ts')).status,
  },
  {
    words: ['tools'],
    use: 'tools',
    does: 'print the tools that servers have listed',
    load: async () => (await import('./tools.ts')).tools,
  },
  {
    words: ['reload'],
    use: 'reload',
    does: 'make a running gateway read its configuration again',
    load: async () => (await import('./reload.ts')).reload,
  },
  {
    words: ['revoke'],
    use: 'revoke …',
    does: 'revoke a token, grant, session, client or subject at a running gateway',
    load: async () => (await import('./revoke.ts')).revoke,
  },
  {
    words: ['grant', 'create'],
    use: 'grant create …',
    does: 'make a rule that needs a grant hold for somebody, at a running gateway',
    load: async () => (await import('./grant.ts')).grantCreate,
  },
  {
    words: ['grant', 'list'],
    use: 'grant list',
    does: 'print the grants of a running gateway',
    load: async () => (await import('./grant.ts')).grantList,
  },
  {
    words: ['grant', 'end'],
    use: 'grant end …',
    does: 'end a grant, or all that serve a task',
    load: async () => (await import('./grant.ts')).grantEnd,
  },
]

const USAGE_EXIT = 2

/** @returns the exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const [first = '--help'] = args
  if (first === '--version' || first === '-v') {
    io.out(await readVersion())
    return 0
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    io.out(help())
    return args.length === 0 ? USAGE_EXIT : 0
  }
  const row = COMMANDS.find(({ words }) => words.every((word, at) => args[at] === word))
  const group = COMMANDS.filter(({ words }) => words.length > 1 && words[0] === first)
  if (row === undefined && group.length > 0) return chooseVerb(group, args, io)
  if (row === undefined) {
    io.err(`gatehouse: unknown command '${args.slice(0, 2).join(' ')}'\n\n${help()}`)
    return USAGE_EXIT
  }
  const command = await row.load()
  try {
    return await command(args.slice(row.words.length), io)
  } catch (error) {
    if (!isUsageError(error)) throw error
    io.err(`gatehouse ${row.words.join(' ')}: ${error.message}`)
    return USAGE_EXIT
  }
}

/** `gatehouse policy` alone, or with a verb it does not have. */
function chooseVerb(group: readonly Row[], [first, verb]: readonly string[], io: Io): number {
  const isHelp = verb === '--help' || verb === '-h'
  const what = `Usage: gatehouse ${first} VERB [OPTIONS]\n\n${table(group)}`
  if (isHelp) io.out(what)
  else if (verb === undefined) io.err(`gatehouse ${first}: name a verb\n\n${what}`)
  else io.err(`gatehouse ${first}: unknown verb '${verb}'\n\n${what}`)
  return isHelp ? 0 : USAGE_EXIT
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ use }) => use.length))
  return rows.map(({ use, does }) => `  ${use.padEnd(width)}   ${does}`).join('\n')
}

function help(): string {
  return [
    'Gatehouse, an auth gateway for MCP servers.',
    '',
    'Usage: gatehouse COMMAND [OPTIONS]',
    '',
    table(COMMANDS),
    '',
    "'gatehouse COMMAND --help' says more. '--version' prints the version.",
  ].join('\n')
}

/** What `util.parseArgs` throws for options it does not know. */
function isUsageError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_PARSE_ARGS')
  )
}

if (import.meta.main) {
  // A reader that stops early (`gatehouse check | head`) is no fault.
  process.stdout.on('error', () => process.exit())
  const code = await run(process.argv.slice(2), {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    env: process.env,
  })
  // A fault may leave something open that would keep the process alive; on Linux the streams are written.
  process.exit(code)
}
