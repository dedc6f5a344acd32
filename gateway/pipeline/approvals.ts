/**
 * Calls that wait for people: which approvals of a call are in force, and how its caller is told where to
 * get the others. An approval is for one caller, server, method, target and the very bytes of the
 * arguments.
 */
import { hash } from 'node:crypto'
import type { Caller } from '../model/caller.ts'
import type { Require } from '../model/decision.ts'
import { Refusal } from '../model/refusal.ts'
import { bothObligations } from '../policy/obligations.ts'
import type { Facts } from '../policy/occasion.ts'
import { recordedArguments } from '../policy/recorded-arguments.ts'
import type { Approval, Ask, CallKey } from '../registry/approval.ts'
import { ASK_SECONDS, digestOf } from '../registry/approval.ts'
import { type Sealing, TooManyAsks } from '../registry/approvals.ts'
import type { Case } from './authorize.ts'
import type { JudgeDesk } from './desk.ts'
import { textOf } from './link-answer.ts'

/** Arguments longer than this cannot be read by a person, so nobody can approve them; in bytes. */
export const MAX_SHOWN_BYTES = 32 * 1024

/** What rules may ask of one call, and the approvals that were said to be there. */
export type Consulted = { readonly facts: Facts; readonly approvals: Set<Approval> }

/** Facts for a call that may have been approved; undefined where nobody has approved anything. */
export function consultApprovals(asked: Case, desk: JudgeDesk): Consulted | undefined {
  if (!desk.approvals.any) return undefined
  const approvals = new Set<Approval>()
  let digest: string | undefined
  return {
    approvals,
    facts: {
      ...desk.facts,
      approved: (rule, terms) => {
        digest ??= digestOf(keyOf(asked))
        const approval = desk.approvals.find({ rule, terms }, digest)
        if (approval !== undefined) approvals.add(approval)
        return approval !== undefined
      },
    },
  }
}

/**
 * What the caller of a call that waits is told: where people can approve it, in the way its client
 * understands. The same call is the same request as long as nobody has decided.
 */
export async function askForApproval(
  asked: Case,
  decision: Require,
  desk: JudgeDesk,
): Promise<Refusal> {
  const { caller, call } = asked
  const { approvals: needs, disclosed } = decision
  const text = argumentsToShow(asked, decision)
  if (!needs.every(({ approval }) => approval.by.kind !== 'subject' || isReachable(caller))) {
    return waiting(disclosed, 'Nobody can approve this call: no person stands behind it')
  }
  if (call.kind !== 'request') return waiting(disclosed, undefined)
  // What is shown and hashed are arguments, and it has none that mean anything here.
  if (call.needs === 'method') {
    return waiting(disclosed, 'Nobody can approve this call: what it asks for cannot be shown')
  }
  if (Buffer.byteLength(text) > MAX_SHOWN_BYTES) {
    return waiting(disclosed, 'The arguments are too long for a person to approve them')
  }
  const wanted: Omit<Ask, 'id' | 'createdAtSeconds' | 'sealed'> = {
    call: keyOf(asked),
    kind: caller.kind,
    personal: hasPerson(caller),
    reason: disclosed,
    needs: needs.map(({ rule, approval }) => ({
      rule,
      terms: approval,
      state: 'waiting',
      by: undefined,
    })),
  }
  const ask = await desk.approvals.ask(wanted, sealing(desk, text)).catch((cause: unknown) => {
    if (cause instanceof TooManyAsks) throw tooMany(asked.entry)
    throw new Refusal('state_unavailable', { detail: 'requests for approval', cause })
  })
  if (ask.needs.some(({ state }) => state === 'denied')) {
    return new Refusal('policy_denied', { message: 'A person has denied this call' })
  }
  return withLink(desk.approvalUrl(ask.id), disclosed)
}

/** Without a key ring, or with another, what an earlier process sealed cannot be shown to anybody. */
function sealing({ seals }: JudgeDesk, text: string): Sealing {
  return {
    seal: (id) => seals.seal('approval', [id], text),
    opens: ({ id, sealed }) => seals.open('approval', [id], sealed) !== undefined,
  }
}

/** So many calls of this caller have been asked about that nobody reads more. */
function tooMany(entry: Case['entry']): Refusal {
  entry.effect = 'deny'
  entry.reason = 'over_budget'
  return new Refusal('over_budget', {
    message: 'Too many calls wait for approval, or have waited in the last hour',
    detail: 'limit approvals',
    retryAfterSeconds: ASK_SECONDS,
  })
}

/** Whether the person behind the caller can sign in as somebody whom the program is not. */
function isReachable(caller: Caller): boolean {
  return hasPerson(caller) && caller.via !== 'api_key'
}

/** Whether a person stands behind the caller, who could be asked. */
function hasPerson({ interactive, kind }: Caller): boolean {
  return interactive || kind === 'human'
}

/** In the caller's era where its client can open pages; for all others the error has the link in its message. */
function withLink(url: string, disclosed: string | undefined): Refusal {
  const why = disclosed === undefined ? '' : `${disclosed} `
  const message = `${why}A person has to approve this call first`
  const link = { url, message, purpose: 'approve' }
  return new Refusal('approval_required', { message: textOf(link), link, data: { url } })
}

function waiting(disclosed: string | undefined, otherwise: string | undefined): Refusal {
  const message = disclosed ?? otherwise
  return new Refusal('approval_required', message === undefined ? {} : { message })
}

function keyOf(asked: Case): CallKey {
  const { caller, call, seat } = asked
  const text = argumentsOf(asked)
  return {
    tenant: caller.tenant,
    issuer: caller.issuer,
    subject: caller.subject,
    client: caller.client,
    server: seat.server.name,
    method: call.method,
    targets: call.targets.flatMap(({ kind, name }) => [kind, name]),
    arguments: text === '' ? '' : hash('sha256', text),
  }
}

/** What rules keep out of records, approvers do not see either; their approval is for all that was sent. */
function argumentsToShow({ call, frame }: Case, { obligations, allow }: Require): string {
  const { redact = [] } = bothObligations(obligations, allow.obligations) ?? {}
  return recordedArguments(call, frame, { redact }) ?? ''
}

/** The arguments as they were sent: what two readers could take for two things is approved as neither. */
function argumentsOf({ call, frame }: Case): string {
  const span = call.arguments
  if (span === undefined || frame === undefined) return ''
  const { buffer, byteOffset } = frame
  return Buffer.from(buffer, byteOffset + span.start, span.end - span.start).toString('utf8')
}
