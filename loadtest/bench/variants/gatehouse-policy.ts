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

/** Rules for the tools of the measured server, each for one group. */
const OWN_TOOL_RULES = 90
/** Further servers behind the same gateway, which nobody asks here; the other rules are for them. */
export const OTHER_SERVERS = Array.from({ length: 10 }, (_, at) => `server-${at}`)
/** Denials for every caller, with globs, on the measured server. */
const DENIALS = 9

/** The policy file for a server of that name; JSON, which is YAML. */
export function policyText(server: string): string {
  const own = Array.from({ length: OWN_TOOL_RULES }, (_, at) => ownToolRule(server, at))
  const denials = Array.from({ length: DENIALS }, (_, at) => denial(server, at))
  const rest = POLICY_RULES - own.length - denials.length - 1
  const others = Array.from({ length: rest }, (_, at) => otherServerRule(at))
  const deciding: Rule = {
    id: 'agents-search',
    effect: 'allow',
    subjects: [{ kind: 'agent', scopes: [SCOPE] }],
    tools: [`${server}/${TOOL}`],
  }
  const rules = [...others, ...own, ...denials, deciding]
  return JSON.stringify({ version: 1, rules }, undefined, 1)
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

function otherServerRule(at: number): Rule {
  const server = OTHER_SERVERS[at % OTHER_SERVERS.length] ?? ''
  return {
    id: `${server}-rule-${at}`,
    effect: at % 7 === 0 ? 'deny' : 'allow',
    subjects: [{ kind: 'agent', groups: [`group-${at % 12}`] }],
    tools: [`${server}/read_${at}`, `${server}/find_*`],
    resources: [`${server}:file:///reports/${at}/**`],
  }
}
