/** Recorded calls as a case file: what a policy that was learned from them must go on saying. */
import type { Caller } from '../model/caller.ts'
import type { Question } from './ask.ts'
import { isByRules } from './recorded-call.ts'
import type { CountedCall } from './recorded-calls.ts'

/** Cases written; a case file is read by people too. */
export const MAX_CASES = 2_000

/**
 * One case for every different question of the calls, with what was decided; questions that cases
 * cannot ask (several targets, tasks) are left out.
 *
 * @param policy File name of the policy the cases are about.
 */
export function writeCases(calls: readonly CountedCall[], policy: string): string {
  const names = new Map<string, string>()
  const asked = new Set<string>()
  const cases: string[] = []
  const nameOf = (caller: Caller): string => {
    const text = callerText(caller)
    const name = names.get(text) ?? `caller ${names.size + 1}`
    names.set(text, name)
    return name
  }
  for (const { caller, call, server, effect, reason, count, underGrant, approved } of calls) {
    const question = questionOf(call)
    // What no list shows, say, was refused whatever the rules say.
    if (question === undefined || !isByRules({ effect, reason })) continue
    // What waits for approval or has a grant is nothing that such a policy says.
    if (effect === 'require' || underGrant || approved) continue
    const key = JSON.stringify([callerText(caller), server, question])
    if (asked.has(key)) continue
    asked.add(key)
    if (cases.length === MAX_CASES) break
    cases.push(
      [
        `  - name: ${JSON.stringify(`${cases.length + 1}: ${question.name} on ${server}, ${count} calls`)}`,
        `    caller: ${nameOf(caller)}`,
        `    server: ${JSON.stringify(server)}`,
        `    ${question.about}: ${JSON.stringify(question.name)}`,
        `    expect: ${effect}`,
      ].join('\n'),
    )
  }
  const callers = [...names].map(([text, name]) => `  ${name}: ${text}`)
  const lines = [`policy: ${JSON.stringify(policy)}`, 'callers:', ...callers, 'cases:', ...cases]
  return `${lines.join('\n')}\n`
}

function questionOf({ targets, method, kind }: CountedCall['call']): Question | undefined {
  const [target, ...more] = targets
  if (more.length > 0 || target?.kind === 'task') return undefined
  if (target !== undefined) {
    return method === 'subscriptions/listen' ? undefined : { about: target.kind, name: target.name }
  }
  return kind === 'request' ? { about: 'method', name: method } : undefined
}

function callerText({ kind, subject, client, issuer, tenant, ...own }: Caller): string {
  const parts = [`kind: ${kind}`, `subject: ${JSON.stringify(subject)}`]
  if (own.groups.size > 0) parts.push(`groups: ${JSON.stringify([...own.groups])}`)
  if (own.scopes.size > 0) parts.push(`scopes: ${JSON.stringify([...own.scopes])}`)
  if (client !== '') parts.push(`client: ${JSON.stringify(client)}`)
  parts.push(`issuer: ${JSON.stringify(issuer)}`, `tenant: ${JSON.stringify(tenant)}`)
  if (own.interactive) parts.push('interactive: true')
  return `{ ${parts.join(', ')} }`
}
