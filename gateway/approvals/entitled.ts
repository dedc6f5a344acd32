import type { Approver } from '../model/terms.ts'
import type { Ask, AskedNeed } from '../registry/approval.ts'
import type { Session } from '../sessions/sessions.ts'

/**
 * What of a request this person may decide on. Only people decide, whoever is in the group; and `subject` is
 * the very person behind the caller, never a caller without one.
 */
export function entitledTo(ask: Ask, session: Session): readonly AskedNeed[] {
  if (session.kind !== 'human' || session.tenant !== ask.call.tenant) return []
  return ask.needs.filter(({ terms }) => fits(terms.by, ask, session))
}

function fits(by: Approver, { call, personal }: Ask, session: Session): boolean {
  if (by.kind === 'group') return session.groups.includes(by.group)
  return personal && session.issuer === call.issuer && session.subject === call.subject
}
