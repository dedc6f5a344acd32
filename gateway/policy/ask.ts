/** Questions people ask about a policy (in case files, on the command line) as the calls they stand for. */
import type { Call, Target, TargetKind } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { neverCanonical } from './canonical-glob.ts'
import { decide } from './decide.ts'
import type { Rules } from './rules.ts'

/** What can be asked about, by the key that asks. */
export const QUESTIONS = ['tool', 'prompt', 'resource', 'template', 'method'] as const

export type Question = { readonly about: (typeof QUESTIONS)[number]; readonly name: string }

/** The method of the call that uses a target of this kind. */
const METHOD_OF = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'completion/complete',
} as const satisfies Partial<Record<TargetKind, string>>

/** Plumbing: methods that need no more than being connected. All notifications do too. */
const CONNECTION_METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  'ping',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'subscriptions/listen',
])

/** The call a question is about. */
export function callFor({ about, name }: Question): Call {
  const target: Target | undefined = about === 'method' ? undefined : { kind: about, name }
  const method = about === 'method' ? name : METHOD_OF[about]
  return {
    direction: 'up',
    kind: method.startsWith('notifications/') ? 'notification' : 'request',
    era: 'modern',
    version: '2026-07-28',
    method,
    needs: target === undefined ? needOf(method) : 'targets',
    targets: target === undefined ? [] : [target],
    id: '1',
    arguments: undefined,
    spans: {},
  }
}

/** The decision as the gateway would reach it: an odd resource URI is refused before any rule is asked. */
export function answer(rules: Rules, caller: Caller, call: Call, server: string): Decision {
  const opaque = rules.servers.get(server)?.opaque === true
  const odd = call.targets.find(
    ({ kind, name }) => kind === 'resource' && !opaque && neverCanonical(name) !== undefined,
  )
  if (odd === undefined) return decide(rules, caller, call, server)
  return {
    effect: 'deny',
    rule: undefined,
    reason: 'resource_uri',
    hidden: true,
    disclosed: undefined,
    missingScopes: [],
    target: odd,
  }
}

function needOf(method: string): Call['needs'] {
  const plumbing = CONNECTION_METHODS.has(method) || method.startsWith('notifications/')
  return plumbing ? 'connection' : 'method'
}
