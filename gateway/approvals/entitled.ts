import type { Approver } from '../model/terms.ts'
import type { Ask, AskedNeed } from '../registry/approval.ts'
import type { Session } from '../sessions/sessions.ts'

/**
 * What of a request this person may decide on. Only people decide, whoever is in the group; and `subject` is
 * the very person behind the caller, never a caller without one. Whoever shows an API key decides on none of the
 * calls that are made with it: the program that has the key could as well.
 */
export function entitledTo(ask: Ask, session: Session): readonly AskedNeed[] {
  if (session.kind !== 'human' || session.tenant !== ask.call.tenant) return []
  if (session.credential !== undefined && isOf(session, ask)) return []
  return ask.needs.filter(({ terms }) => fits(terms.by, ask, session))
}

function fits(by: Approver, ask: Ask, session: Session): boolean {
  if (by.kind === 'group') return session.groups.includes(by.group)
  return ask.personal && isOf(session, ask)
}

function isOf({ issuer, subject }: Session, { call }: Ask): boolean {
  return issuer === call.issuer && subject === call.subject
}
