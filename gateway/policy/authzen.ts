/**
 * Calls as questions of the OpenID AuthZEN Authorization API 1.0 (§6.1, access evaluation): subject,
 * action, resource and context, named as its MCP profile names them (COAZ-MCP).
 */
import type { Call, Target, TargetKind } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'

/** What is asked about one target of a call, or about a method that names none. */
export type Evaluation = {
  readonly caller: Caller
  readonly call: Call
  readonly server: string
  /** Undefined for a method that names none: the server then stands for it. */
  readonly target: Target | undefined
  /** The caller's address; empty where there is none. */
  readonly address: string
  /** The arguments as they were sent, one JSON value; undefined where they are not told. */
  readonly args: string | undefined
}

/** The answer of a decision point, or why it cannot be used. */
export type EvaluationAnswer =
  | { readonly ok: true; readonly decision: boolean; readonly context: string | undefined }
  | { readonly ok: false; readonly why: string }

const TYPES = {
  tool: 'tool',
  prompt: 'prompt',
  resource: 'resource',
  template: 'resource_template',
  task: 'task',
} as const satisfies Record<TargetKind, string>

/** Characters of an answer's context that are kept for the record. */
const MAX_CONTEXT_CHARS = 400

/** The body of a request; the same question has the same body. */
export function evaluationBody(evaluation: Evaluation): string {
  const { caller, call, server, target, address, args } = evaluation
  const body = JSON.stringify({
    subject: {
      type: 'identity',
      id: caller.subject,
      properties: {
        issuer: caller.issuer,
        tenant: caller.tenant,
        kind: caller.kind,
        groups: [...caller.groups].toSorted(),
        scopes: [...caller.scopes].toSorted(),
        ...(caller.actors.length === 0 ? {} : { actors: caller.actors }),
      },
    },
    action: { name: call.method },
    resource: {
      type: target === undefined ? 'mcp_server' : TYPES[target.kind],
      id: target === undefined ? server : (target.task?.id ?? target.name),
      properties: {
        server,
        ...(target?.task === undefined ? {} : { tool: target.task.tool }),
      },
    },
    // Last, for the arguments to follow as they are: numbers are not every reader's numbers.
    context: {
      agent: caller.client,
      direction: call.direction,
      ...(address === '' ? {} : { address }),
    },
  })
  return args === undefined ? body : `${body.slice(0, -2)},"arguments":${args}}}`
}

/**
 * Reads an answer. Nothing but a `decision` that is true or false counts as one; a yes on conditions that
 * are not understood here (obligations) is none.
 */
export function readEvaluation(answer: Readonly<Record<string, unknown>>): EvaluationAnswer {
  const { decision, context } = answer
  if (typeof decision !== 'boolean') return { ok: false, why: 'its answer has no decision' }
  const obligations =
    typeof context === 'object' && context !== null
      ? Object.getOwnPropertyDescriptor(context, 'obligations')?.value
      : undefined
  const isBare =
    obligations === undefined || (Array.isArray(obligations) && obligations.length === 0)
  if (decision && !isBare) {
    return { ok: false, why: 'it allows under obligations that are not known here' }
  }
  const text = context === undefined ? undefined : JSON.stringify(context)
  return { ok: true, decision, context: text?.slice(0, MAX_CONTEXT_CHARS) }
}
