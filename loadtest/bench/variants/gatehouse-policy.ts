/**
 * A policy of the size a middling team ends up with. The rule that decides stands last among those for
 * its server, behind exact names, globs and denials that do not match.
 */
import { POLICY_RULES } from '../constants.ts'
import { SCOPE } from '../tokens.ts'
import { FORBIDDEN_TOOL, TOOL, toolName } from '../traffic.ts'

type Rule = {
  readonly id: string
  readonly effect: 'allow' | 'deny'
  readonly subjects: readonly Readonly<Record<string, unknown>>[]
  readonly tools?: readonly string[]
  readonly resources?: readonly string[]
}

/** Share of the rules that are for the tools of the measured server, each for one group. */
const OWN_SHARE = 0.45
/** Denials for every caller, with globs, on the measured server. */
const DENIALS = 9

/** A policy file may have a mebibyte. */
const RULES_PER_FILE = 2_000

/** How much the gateway has to look after. */
export type Size = {
  /** In the policy: two or more. */
  readonly rules: number
  /** Further servers behind the same gateway, which nobody asks; the other rules are for them. */
  readonly otherServers: number
}

/** As the bench measures it. */
export const USUAL_SIZE: Size = { rules: POLICY_RULES, otherServers: 10 }

/** Names of the further servers. */
export function otherServers({ otherServers: length }: Size): readonly string[] {
  return Array.from({ length }, (_, at) => `server-${at}`)
}

/** The policy files for a server of that name; JSON, which is YAML. */
export function policyTexts(server: string, size: Size): readonly string[] {
  const length = Math.floor(size.rules * OWN_SHARE)
  const own = Array.from({ length }, (_, at) => ownToolRule(server, at))
  const denials = Array.from({ length: Math.min(DENIALS, size.rules - length - 1) }, (_, at) =>
    denial(server, at),
  )
  const rest = size.rules - own.length - denials.length - 1
  const servers = size.otherServers === 0 ? [server] : otherServers(size)
  const others = Array.from({ length: rest }, (_, at) => otherServerRule(servers, at))
  const deciding: Rule = {
    id: 'agents-search',
    effect: 'allow',
    subjects: [{ kind: 'agent', scopes: [SCOPE] }],
    tools: [`${server}/${TOOL}`],
  }
  const rules = [...others, ...own, ...denials, deciding]
  const files = Math.ceil(rules.length / RULES_PER_FILE)
  return Array.from({ length: files }, (_, at) => {
    const part = rules.slice(at * RULES_PER_FILE, (at + 1) * RULES_PER_FILE)
    return JSON.stringify({ version: 1, rules: part }, undefined, 1)
  })
}

function ownToolRule(server: string, at: number): Rule {
  const tools = at % 5 === 0 ? [`${server}/report_${at}_*`] : [`${server}/${toolName(at + 2)}`]
  return {
    id: `team-${at}-tools`,
    effect: 'allow',
    subjects: [{ groups: [`team-${at}`] }, { clients: [`console-${at}`] }],
    tools,
  }
}

function denial(server: string, at: number): Rule {
  const words = ['drop', 'purge', 'erase', 'truncate', 'reset', 'grant', 'revoke', 'rename']
  const word = words[at]
  return {
    id: `no-${word ?? 'index-removal'}`,
    effect: 'deny',
    subjects: [{ kind: 'agent' }],
    tools: word === undefined ? [`${server}/${FORBIDDEN_TOOL}`] : [`${server}/${word}_*`],
  }
}

function otherServerRule(servers: readonly string[], at: number): Rule {
  const server = servers[at % servers.length] ?? ''
  return {
    id: `${server}-rule-${at}`,
    effect: at % 7 === 0 ? 'deny' : 'allow',
    subjects: [{ kind: 'agent', groups: [`group-${at % 12}`] }],
    tools: [`${server}/read_${at}`, `${server}/find_*`],
    resources: [`${server}:file:///reports/${at}/**`],
  }
}
