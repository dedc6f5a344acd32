/** One grant: for whom a rule with `grant` holds, how long and how often. */
import { randomBytes } from 'node:crypto'
import type { GrantTerms } from '../model/terms.ts'
import { isBlankOrLong } from './note.ts'

/** Times are whole epoch seconds. */
export type Grant = {
  /** 24 hex digits, random. */
  readonly id: string
  /** The rule it is for. */
  readonly rule: string
  readonly issuer: string
  readonly subject: string
  /** The OAuth client or API key client it is limited to; undefined: whichever the subject uses. */
  readonly client: string | undefined
  /** The task it serves, whose end ends it. */
  readonly task: string | undefined
  readonly maxUses: number | undefined
  /** Whether no use is left. What it was used for may still be asked about. */
  readonly usedUp: boolean
  readonly by: string
  readonly reason: string | undefined
  readonly createdAtSeconds: number
  readonly expiresAtSeconds: number | undefined
}

/** What an operator asks for; what is left out is as the rule says. */
export type GrantRequest = {
  readonly rule: string
  readonly issuer: string
  readonly subject: string
  readonly client?: string | undefined
  readonly ttlSeconds?: number | undefined
  readonly maxUses?: number | undefined
  readonly task?: string | undefined
  readonly reason?: string | undefined
}

/** Why a grant was not made, in words for the operator. */
export class GrantError extends Error {
  override readonly name = 'GrantError'
}

/** What an id looks like; nothing else is looked up. */
export const GRANT_ID = /^[0-9a-f]{24}$/

/** Longest life, ten years: whoever means for ever leaves it out. */
export const MAX_GRANT_SECONDS = 10 * 365 * 24 * 60 * 60

/** Most uses. */
export const MAX_GRANT_USES = 1_000_000_000

/** Characters of an issuer, subject, client, task or rule. */
const MAX_NAME_CHARS = 1024

/** Characters of a reason. */
const MAX_REASON_CHARS = 256

/**
 * Returns the grant that is asked for. It is never wider than the rule: life and uses are at most the
 * rule's, and its task is the rule's.
 *
 * @param terms What the rule says of its grants.
 * @throws {GrantError} that says what is wrong.
 */
export function draftGrant(
  request: GrantRequest,
  terms: GrantTerms,
  made: { readonly by: string; readonly nowSeconds: number },
): Grant {
  const { rule, issuer, subject, client, reason } = request
  for (const [field, text] of Object.entries({ issuer, subject, client, task: request.task })) {
    check(
      !isBlankOrLong(text, MAX_NAME_CHARS),
      `${field} must have 1 to ${MAX_NAME_CHARS} characters`,
    )
  }
  check(
    !isBlankOrLong(reason, MAX_REASON_CHARS),
    `reason must have 1 to ${MAX_REASON_CHARS} characters`,
  )
  checkWhole('ttlSeconds', request.ttlSeconds, MAX_GRANT_SECONDS)
  checkWhole('maxUses', request.maxUses, MAX_GRANT_USES)
  const longest = terms.ttlMs === undefined ? undefined : Math.floor(terms.ttlMs / 1000)
  const ttl = request.ttlSeconds ?? longest
  check(within(ttl, longest), `the rule lets a grant live ${longest} seconds at most`)
  const maxUses = request.maxUses ?? terms.maxUses
  check(
    within(maxUses, terms.maxUses),
    `the rule lets a grant be used ${terms.maxUses} times at most`,
  )
  const task = request.task ?? terms.task
  check(terms.task === undefined || task === terms.task, `the rule is for the task ${terms.task}`)
  const createdAtSeconds = Math.floor(made.nowSeconds)
  return {
    id: randomBytes(12).toString('hex'),
    rule,
    issuer,
    subject,
    client,
    task,
    maxUses,
    usedUp: false,
    by: made.by,
    reason,
    createdAtSeconds,
    expiresAtSeconds: ttl === undefined ? undefined : createdAtSeconds + ttl,
  }
}

/** The grant in a stored row; undefined for one that this release does not understand. */
export function parseGrant(row: unknown): Grant | undefined {
  if (typeof row !== 'object' || row === null || !('v' in row) || row.v !== 1) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows of this version are written by `formatGrant` alone
  const { v: _, ...grant } = row as Stored
  return { ...ABSENT, ...grant }
}

type Stored = Grant & { readonly v: 1 }

/** The row of a grant, with the version of its shape. */
export function formatGrant(grant: Grant): unknown {
  return { v: 1, ...grant } satisfies Stored
}

/** JSON has no undefined. */
const ABSENT = {
  client: undefined,
  task: undefined,
  maxUses: undefined,
  reason: undefined,
  expiresAtSeconds: undefined,
}

function within(value: number | undefined, bound: number | undefined): boolean {
  return bound === undefined || (value !== undefined && value <= bound)
}

function checkWhole(field: string, value: number | undefined, max: number): void {
  const fits = value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)
  check(fits, `${field} must be a whole number from 1 to ${max}`)
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new GrantError(problem)
}
