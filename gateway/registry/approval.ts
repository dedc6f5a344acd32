/** What is asked of approvers, and what they said. */
import { createHash } from 'node:crypto'
import type { CallerKind } from '../model/caller.ts'
import type { ApprovalTerms } from '../model/terms.ts'

/** The call that is to be approved: whose, where, which tool, with which arguments. */
export type CallKey = {
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  readonly client: string
  readonly server: string
  readonly method: string
  /** Kind and name of each target, flat. */
  readonly targets: readonly string[]
  /** SHA-256 of the arguments as they were sent, hex; empty where there are none. */
  readonly arguments: string
}

/** A request for approval. It is the same for every attempt of the same call while it lives. */
export type Ask = {
  /** 128 random bits in base64url: part of the link, which nobody can guess and which allows nothing. */
  readonly id: string
  readonly call: CallKey
  readonly kind: CallerKind
  /** Whether a person stands behind the caller. */
  readonly personal: boolean
  /** What each rule asks for, and what became of it. */
  readonly needs: readonly AskedNeed[]
  /** The arguments, sealed; only the page opens them. */
  readonly sealed: string
  /** Operators' words for why, where the rule discloses them. */
  readonly reason?: string | undefined
  readonly createdAtSeconds: number
}

export type AskedNeed = Needed & {
  readonly state: 'waiting' | 'approved' | 'denied'
  /** Who decided, for the page. */
  readonly by: string | undefined
}

/** An approval in force. Times are epoch seconds. */
export type Approval = {
  /** Made of what is needed and the call, so that it can be found by them. */
  readonly id: string
  readonly rule: string
  /** Whether one call uses it up. */
  readonly once: boolean
  readonly by: string
  readonly expiresAtSeconds: number
}

/** Seconds a request for approval stays open: as long as a client keeps the state of a call. */
export const ASK_SECONDS = 60 * 60

/** Seconds in which the approved call has to be made. */
export const ONCE_SECONDS = 10 * 60

/** Seconds for which the same call is refused without asking anybody again, after somebody said no. */
export const DENIED_SECONDS = 10 * 60

/** Names the call for the store. */
export function digestOf(call: CallKey): string {
  const { tenant, issuer, subject, client, server, method, targets, arguments: args } = call
  // JSON keeps the parts apart whatever they contain.
  const text = JSON.stringify([tenant, issuer, subject, client, server, method, targets, args])
  return createHash('sha256').update(text).digest('base64url')
}

/** What one rule asks for, in the words of the policy in force. */
export type Needed = { readonly rule: string; readonly terms: ApprovalTerms }

/**
 * The id of the approval that a rule asks for, for this call. What was approved under other terms, before a
 * policy was changed, is another one.
 */
export function approvalId({ rule, terms }: Needed, digest: string): string {
  return createHash('sha256')
    .update(JSON.stringify([rule, termsText(terms), digest]))
    .digest('base64url')
}

/** Whether two rules of one id ask for the same. */
export function isSameNeed(one: Needed, other: Needed): boolean {
  return one.rule === other.rule && termsText(one.terms) === termsText(other.terms)
}

function termsText({ by, forMs }: ApprovalTerms): string {
  return JSON.stringify([by.kind, by.kind === 'group' ? by.group : '', forMs ?? 0])
}

/** What an id of a request looks like; nothing else is looked up. */
export const ASK_ID = /^[A-Za-z0-9_-]{22}$/

/** The approval in a stored row; undefined for one that this release does not understand. */
export function parseApproval(row: unknown): Approval | undefined {
  if (typeof row !== 'object' || row === null || !('v' in row) || row.v !== 1) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows of this version are written by `formatApproval` alone
  const { v: _, ...approval } = row as Approval & { readonly v: 1 }
  return approval
}

/** The row of an approval, with the version of its shape. */
export function formatApproval(approval: Approval): unknown {
  return { v: 1, ...approval }
}
