/** `gatehouse check`: everything `serve` would refuse to start with, and nothing started. */
import { access, constants } from 'node:fs/promises'
import type { AuthorizationRules } from '../model/authorization-rules.ts'
import type { Credential } from '../model/credential.ts'
import { messageOf } from '../model/message-of.ts'
import type { Problem } from '../model/problem.ts'
import type { McpServer } from '../model/server.ts'
import { howMany } from '../policy/how-many.ts'
import type { Rule, Rules } from '../policy/rules.ts'
import { findUnlisted } from '../policy/unlisted.ts'
import { checkHosts } from '../server/check-hosts.ts'
import { checkProviders } from '../server/check-providers.ts'
import { formatProblem, loadAll } from '../server/load-all.ts'
import type { IssuerSettings, Settings } from '../settings/settings.ts'
import type { Io } from './io.ts'
import { tellProblems } from './tell-problems.ts'
import { readTools } from './tools.ts'
import { misused, readArgs } from './usage.ts'

const HELP = `Usage: gatehouse check -c FILE

Checks a configuration file and its policies, with every file and variable they refer to. Servers that
share a host are asked which protocol eras they speak, unless "eras" says so: one host needs one era.
Providers with "discover" are discovered as when somebody connects, and registered with nowhere.

  -c, --config FILE   configuration file (YAML)
      --offline       ask no server anything
      --tools FILE    tools that there are, as "gatehouse tools" prints them (- is standard input): rules that
                      name others are warned of
  -h, --help          show this text

Exit code: 0 valid, 1 not valid (file:line:column on standard error), 2 used wrongly.`

/** Runs the verb; warnings are part of a valid configuration and change nothing about the exit code. */
export async function check(args: readonly string[], io: Io): Promise<number> {
  const given = readArgs(
    args,
    {
      usage: HELP,
      options: {
        config: { type: 'string', short: 'c' },
        offline: { type: 'boolean' },
        tools: { type: 'string' },
      },
    },
    io,
  )
  if (given === undefined) return 0
  const { values } = given
  if (values.config === undefined) return misused(io, 'check: -c FILE is missing', HELP)
  const loaded = await loadAll({
    file: values.config,
    env: io.env,
    now: Date.now,
    askWritable: (path) => access(path, constants.W_OK),
  })
  if (!loaded.ok) {
    tellProblems(loaded.problems, io)
    io.err(`${values.config} is not valid: ${howMany(loaded.problems.length, 'problem')}`)
    return 1
  }
  const { settings, rules } = loaded
  const unlisted = await unlistedIn(values.tools, rules)
  if (typeof unlisted === 'string') {
    io.err(`check: ${unlisted}`)
    return 1
  }
  const isOffline = values.offline === true
  const discovered = await checkProviders(settings, { isOffline })
  const warnings = [...loaded.warnings, ...unlisted, ...discovered.warnings]
  io.out(`${values.config} is valid (version ${settings.version})`)
  for (const line of summary(settings, rules)) io.out(line)
  if (discovered.lines.length > 0) {
    for (const line of section('discovered providers', discovered.lines)) io.out(line)
  }
  for (const warning of warnings) io.out(`warning: ${formatProblem(warning)}`)
  for (const { problem, mend } of await checkHosts(settings, { isOffline })) {
    io.out(`warning: ${formatProblem(problem)}:`)
    for (const line of mend) io.out(`  ${line}`)
  }
  return 0
}

/** Warnings of rules about tools that the file does not have; or why it cannot be read. */
async function unlistedIn(
  file: string | undefined,
  rules: Rules,
): Promise<readonly Problem[] | string> {
  if (file === undefined) return []
  try {
    const tools = await readTools(file)
    if (tools.size === 0)
      return `--tools ${file} names no tool: have a client list those of a server first, then ask again`
    return findUnlisted(rules, (server) => tools.get(server) ?? new Set())
  } catch (error) {
    return messageOf(error)
  }
}

function summary(settings: Settings, rules: Rules): readonly string[] {
  return [
    section('listens', [`${settings.listen.host}:${settings.listen.port}, ${transport(settings)}`]),
    section(
      'servers',
      settings.servers.map((server) => describeServer(server, rules)),
    ),
    settings.authorizationServer === undefined
      ? []
      : section('authorization server', describeOwn(settings.authorizationServer)),
    section('issuers', settings.issuers.map(describeIssuer)),
    section(
      'API keys',
      settings.apiKeys.map(({ prefix, owner }) => `${prefix} of ${owner}`),
    ),
    section(
      'policies',
      settings.policies.map(({ file }) => file),
    ),
  ].flat()
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [`${title}: none`] : [title, ...lines.map((line) => `  ${line}`)]
}

function transport({ listen: { tls } }: Settings): string {
  if (tls === undefined) return 'plain HTTP'
  return tls.clientCa === undefined ? 'TLS' : 'TLS with client certificates'
}

function describeServer(server: McpServer, rules: Rules): string {
  const { name, resource, upstream, credential } = server
  const reaches = rules.servers.get(name)?.reaches ?? []
  const those = (effect: Rule['effect']): number =>
    reaches.filter(({ rule }) => rule.effect === effect).length
  const [allows, requires] = [those('allow'), those('require')]
  const verdict =
    allows === 0
      ? 'no rule allows anything'
      : [
          howMany(allows, 'allow rule'),
          ...(requires === 0 ? [] : [howMany(requires, 'require rule')]),
          howMany(those('deny'), 'deny rule'),
        ].join(', ')
  const swap = describeCredential(credential)
  return `${name}: ${resource} -> ${upstream.origin}${upstream.path} (${swap}; ${verdict})`
}

function describeCredential(credential: Credential): string {
  switch (credential.kind) {
    case 'none':
      return 'no credential'
    case 'static':
      return `credential in ${credential.header}`
    case 'issue':
      return `our token in ${credential.place.header}`
    case 'exchange':
      return `exchanged token in ${credential.place.header}`
    case 'vault':
      return `token of the caller's ${credential.provider} account in ${credential.place.header}`
  }
}

function describeOwn({
  issuer,
  users,
  signIn,
  clients,
  registration,
}: AuthorizationRules): readonly string[] {
  const ways = [
    ...[...signIn.values()].map(({ name, issuer: theirs }) => `${name} (${theirs})`),
    ...(users.size === 0 ? [] : [howMany(users.size, 'local user')]),
  ]
  const of = `${howMany(clients.size, 'client')} of the configuration, registration ${registration.mode}`
  return [
    issuer,
    ways.length === 0
      ? 'nobody can sign in: neither sign_in nor users says how'
      : `people sign in by ${ways.join(', ')}`,
    of,
  ]
}

function describeIssuer(settings: IssuerSettings): string {
  const { issuer, jwks, introspection, algorithms, kind } = settings
  const asked = introspection === undefined ? '' : `, asked at ${introspection.endpoint.url}`
  const keys = `keys ${describeKeys(jwks)}${jwks.kind === 'none' ? '' : `, ${algorithms.join(' ')}`}`
  return `${issuer}: ${keys}${asked}, callers are ${kind} by default`
}

function describeKeys(jwks: IssuerSettings['jwks']): string {
  switch (jwks.kind) {
    case 'none':
      return 'none'
    case 'url':
      return `from ${jwks.url} (not fetched by check)`
    case 'file':
      return `from ${jwks.file}`
    case 'inline':
      return 'in the configuration'
  }
}
