/** What the variables of an expression stand for on one occasion. Only those it reads are made. */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import type { Bindings, Expression } from './expression.ts'
import type { Variable } from './expression-guards.ts'
import {
  MAX_LIST_LENGTH,
  MAX_MATCHED_BYTES,
  readArguments,
  type SentArguments,
} from './sent-arguments.ts'
import type { View } from './view.ts'

export type Bound = {
  readonly bindings: Bindings
  /** Whether something it reads is not known yet. */
  readonly isOpen: boolean
}

export type Bind = {
  readonly target: Target | undefined
  /** Of the definition of the tool that is looked at. */
  readonly traits: ToolTraits | undefined
}

/** Undefined where the arguments are not fit to be looked at by this expression. */
export function bindingsFor(expression: Expression, view: View, bind: Bind): Bound | undefined {
  const { reads } = expression
  const bindings: { -readonly [key in keyof Bindings]: Bindings[key] } = {}
  let isOpen = false
  for (const variable of reads) {
    if (isUnknown(variable, view, bind.target)) {
      Object.assign(bindings, { [variable]: expression.unknown })
      isOpen = true
      continue
    }
    switch (variable) {
      case 'args': {
        const sent = argumentsOf(view)
        if (sent === 'unreadable' || !isFit(sent, expression)) return undefined
        bindings.args = sent.value
        break
      }
      case 'uri':
        bindings.uri = bind.target?.kind === 'resource' ? bind.target.name : ''
        break
      case 'caller':
        bindings.caller = callerOf(view)
        break
      case 'tool':
        bindings.tool = toolOf(bind)
        break
      case 'server':
        bindings.server = view.occasion.server
        break
      case 'now':
        bindings.now = view.occasion.nowMs
        break
      case 'request':
        bindings.request = { ip: view.occasion.address, method: view.method }
        break
    }
  }
  return { bindings, isOpen }
}

/** Whether a variable will have a value once a call is made, and has none yet. */
function isUnknown(variable: Variable, { asking }: View, target: Target | undefined): boolean {
  switch (variable) {
    case 'args':
      if (asking === 'connection' || asking === 'task') return true
      return asking === 'name' && (target?.kind === 'tool' || target?.kind === 'prompt')
    case 'uri':
      return asking === 'connection' || target?.kind === 'template'
    case 'tool':
      return asking === 'connection'
    default:
      return false
  }
}

function argumentsOf(view: View): SentArguments | 'unreadable' {
  const { call, occasion } = view
  // The arguments of what is asked by name only are none, or not there yet.
  const sent = call === undefined || view.asking !== 'call' ? { arguments: undefined } : call
  view.sent ??= readArguments(sent, occasion.frame) ?? 'unreadable'
  return view.sent
}

function isFit({ bytes, longest, exact }: SentArguments, { loops, matches }: Expression): boolean {
  if (loops && longest > MAX_LIST_LENGTH) return false
  return exact && (!matches || bytes <= MAX_MATCHED_BYTES)
}

function toolOf({ target, traits }: Bind): unknown {
  return target?.kind === 'tool' ? { name: target.name, annotations: { ...traits } } : {}
}

function callerOf({ caller, callers }: View): unknown {
  let known = callers.get(caller)
  if (known === undefined) callers.set(caller, (known = describe(caller)))
  return known
}

function describe(caller: Caller): unknown {
  const { tenant, issuer, subject, client, kind, interactive, groups, scopes, actors } = caller
  return {
    tenant,
    issuer,
    subject,
    client,
    kind,
    interactive,
    groups: [...groups],
    scopes: [...scopes],
    actors: actors.map((actor) => ({ issuer: actor.issuer, subject: actor.subject })),
    claims: caller.claims ?? {},
  }
}
