import type { Target } from '../model/call.ts'
import type { Params } from './message.ts'
import type { Asks } from './methods.ts'

/**
 * The things a call asks for by name, or undefined when a name is missing or not a string: such a call
 * cannot be judged and is never forwarded.
 */
export function readTargets(asks: Asks, params: Params | undefined): readonly Target[] | undefined {
  switch (asks) {
    case 'connection':
    case 'method':
      return []
    case 'tool':
    case 'prompt':
      return one(asks, params?.name)
    case 'resource':
      return one(asks, params?.uri)
    case 'task':
      return one(asks, params?.taskId)
    case 'completion':
      return completed(params)
    case 'listening':
      return listenedTo(params)
  }
}

function one(kind: Target['kind'], name: string | undefined): readonly Target[] | undefined {
  return name === undefined ? undefined : [{ kind, name }]
}

/** `ref/resource` holds a URI or a URI template (RFC 6570, whose expressions stand in braces). */
function completed(params: Params | undefined): readonly Target[] | undefined {
  const ref = params?.ref
  switch (ref?.type) {
    case 'ref/prompt':
      return one('prompt', ref.name)
    case 'ref/resource':
      return one(ref.uri?.includes('{') === true ? 'template' : 'resource', ref.uri)
    default:
      return undefined
  }
}

function listenedTo(params: Params | undefined): readonly Target[] | undefined {
  const listening = params?.listening
  if (listening === undefined) return undefined
  return [
    ...listening.resources.map((name): Target => ({ kind: 'resource', name })),
    ...listening.tasks.map((name): Target => ({ kind: 'task', name })),
  ]
}
