/**
 * What a client says a server may ask of it (MCP lifecycle, "Capability Negotiation"; `clientCapabilities`
 * of 2026-07-28), and which of it a request of a server needs.
 */
import type { Cursor } from './json-cursor.ts'
import { enterObject, nextKind, nextMember, skipValue } from './json-value.ts'
import { nameTable, protocolName } from './member-names.ts'
import { isWebAddress } from './web-address.ts'

export type Capability = 'sampling' | 'roots' | 'elicitation_form' | 'elicitation_url'

/** A request of a server to its client, as far as it is judged. */
export type Asking = {
  readonly method: string
  /** `params.mode` of `elicitation/create`; a form when absent. */
  readonly mode: string | undefined
  /** `params.url` of `elicitation/create`; empty when it is no text, or readers may differ about it. */
  readonly url: string | undefined
}

const CAPABILITIES = nameTable(['sampling', 'roots', 'elicitation'])
const MODES = nameTable(['form', 'url'])

/**
 * Passes the value of `capabilities`; undefined when it is no object. Members that only look like one of
 * these declare nothing.
 */
export function readCapabilities(cursor: Cursor): readonly Capability[] | undefined {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return undefined
  }
  const declared: Capability[] = []
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, CAPABILITIES)
    const isDeclared = nextKind(cursor) === 'object'
    if (name === 'elicitation' && isDeclared) declared.push(...readModes(cursor))
    else {
      if (name !== undefined && name !== 'elicitation' && isDeclared) declared.push(name)
      skipValue(cursor)
    }
    if (cursor.problem !== undefined) break
  }
  return declared
}

/** An object without modes means forms (2025-11-25 elicitation, "Capabilities"). */
function readModes(cursor: Cursor): readonly Capability[] {
  const modes: Capability[] = []
  enterObject(cursor)
  while (nextMember(cursor)) {
    const mode = protocolName(cursor, MODES)
    if (mode !== undefined) modes.push(`elicitation_${mode}`)
    if (!skipValue(cursor)) break
  }
  return modes.length === 0 ? ['elicitation_form'] : modes
}

/**
 * Whether a request sends a person to what is no page of the web. In the mode `url` there must be one; where
 * one stands in another mode, some client may open it all the same.
 */
export function sendsAstray({ method, mode, url }: Asking): boolean {
  if (method !== 'elicitation/create') return false
  return url === undefined ? mode === 'url' : !isWebAddress(url)
}

/** Whether a client that declared this takes the request; what needs no capability is always taken. */
export function isDeclared(
  { method, mode = 'form' }: Pick<Asking, 'method' | 'mode'>,
  declared: readonly Capability[],
): boolean {
  const has = (wanted: string): boolean => declared.some((capability) => capability === wanted)
  switch (method) {
    case 'sampling/createMessage':
      return has('sampling')
    case 'roots/list':
      return has('roots')
    case 'elicitation/create':
      return has(`elicitation_${mode}`)
    default:
      return true
  }
}
