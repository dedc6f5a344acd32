/** What is known of the definitions of one tool, and what another sight of it means. */

/**
 * How a definition came to be known: the first one there was, accepted by an operator, one that differs
 * by caller, or one that took the place of another and that nobody has accepted yet.
 */
export type MemberState = 'first' | 'accepted' | 'variant' | 'changed'

export type PinMember = {
  /** SHA-256 of the definition, base64url. */
  readonly hash: string
  readonly state: MemberState
  /** Epoch milliseconds. */
  readonly sinceMs: number
  /** Who accepted it. */
  readonly by?: string
}

/** All definitions seen of one tool, oldest first. */
export type Pin = { readonly members: readonly PinMember[] }

/** What one caller has been shown by one server, as far as it matters. */
export type Audience = {
  /** When it last saw the server's list; it has seen a good definition of every tool known by then. */
  readonly atMs: number
  /** Hashes of the tools of which it last saw a definition that is not for everybody. */
  readonly saw: ReadonlyMap<string, string>
}

/** What a definition is that a caller is about to see. `held`: changed, and known to be. */
export type Verdict = 'known' | 'first' | 'variant' | 'changed' | 'held'

/** Definitions kept of one tool; of more, the oldest that is no operator's choice goes. */
export const MAX_MEMBERS = 8

/**
 * Judges one definition. It has **changed** when this caller was shown another one before; a definition
 * that a caller sees first, where others see another, differs only by caller.
 *
 * @param pin Undefined for a tool never seen.
 * @param audience Undefined for a caller that has never seen this server's list.
 */
export function judgeDefinition(
  pin: Pin | undefined,
  { tool, hash }: { readonly tool: string; readonly hash: string },
  audience: Audience | undefined,
): Verdict {
  const [first] = pin?.members ?? []
  if (pin === undefined || first === undefined) return 'first'
  const member = pin.members.find((one) => one.hash === hash)
  if (member !== undefined && member.state !== 'variant') {
    return member.state === 'changed' ? 'held' : 'known'
  }
  const before = audience && lastSeen(audience, tool, pin)
  if (before !== undefined && before !== hash) return 'changed'
  return member === undefined ? 'variant' : 'known'
}

/**
 * The hash a caller last saw of a tool: the first one stands for those that are for everybody, and for one
 * that is no longer among the definitions, because an operator decided against it.
 */
function lastSeen({ atMs, saw }: Audience, tool: string, { members }: Pin): string | undefined {
  const own = saw.get(tool)
  if (own !== undefined && members.some(({ hash }) => hash === own)) return own
  const [first] = members
  return first !== undefined && atMs >= first.sinceMs ? first.hash : undefined
}

/** The pin with one more definition, or with a known one in another state. */
export function withMember(pin: Pin | undefined, member: PinMember): Pin {
  const others = (pin?.members ?? []).filter(({ hash }) => hash !== member.hash)
  if (others.length < MAX_MEMBERS) return { members: [...others, member] }
  const goes = others.findIndex(({ state }) => state === 'variant')
  return { members: [...others.toSpliced(Math.max(goes, 1), 1), member] }
}

/** The pin once an operator has chosen a definition: what had changed otherwise is forgotten. */
export function accepted(pin: Pin, choice: PinMember): Pin {
  const kept = pin.members.filter(({ hash, state }) => hash !== choice.hash && state !== 'changed')
  return { members: [...kept, choice] }
}

/** Whether a definition of it has changed and nobody has accepted that. */
export function isHeld({ members }: Pin): boolean {
  return members.some(({ state }) => state === 'changed')
}

/** The text of a row. */
export function writePinRow(tool: string, { members }: Pin): string {
  return JSON.stringify({ v: 1, tool, members })
}

/** What a row says; undefined for one that cannot be read, which then counts as unknown. */
export function readPinRow(text: string): { readonly tool: string; readonly pin: Pin } | undefined {
  const fields = fieldsOf(text)
  const { tool, members } = fields ?? {}
  if (typeof tool !== 'string' || !Array.isArray(members)) return undefined
  return { tool, pin: { members: members.filter(isMember) } }
}

/** The text of a row. */
export function writeAudienceRow({ atMs, saw }: Audience): string {
  return JSON.stringify({ v: 1, atMs, saw: [...saw] })
}

/** What a row says; undefined for one that cannot be read. */
export function readAudienceRow(text: string): Audience | undefined {
  const { atMs, saw } = fieldsOf(text) ?? {}
  if (typeof atMs !== 'number' || !Array.isArray(saw)) return undefined
  return { atMs, saw: new Map(saw.filter(isSight)) }
}

function isSight(entry: unknown): entry is readonly [string, string] {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string'
}

const STATES: ReadonlySet<unknown> = new Set(['first', 'accepted', 'variant', 'changed'])

function isMember(value: unknown): value is PinMember {
  if (typeof value !== 'object' || value === null) return false
  const { hash, state, sinceMs }: { hash?: unknown; state?: unknown; sinceMs?: unknown } = value
  return typeof hash === 'string' && STATES.has(state) && typeof sinceMs === 'number'
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
