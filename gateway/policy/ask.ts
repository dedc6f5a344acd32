/** Questions people ask about a policy (in case files, on the command line) as the calls they stand for. */
import { METHODS } from '../mcp/methods.ts'
import type { Call, Target, TargetKind } from '../model/call.ts'

/** What can be asked about, by the key that asks. */
export const QUESTIONS = ['tool', 'prompt', 'resource', 'template', 'method'] as const

export type Question = {
  readonly about: (typeof QUESTIONS)[number]
  readonly name: string
  /** What the tool or prompt is called with; none when absent. */
  readonly args?: Readonly<Record<string, unknown>>
}

/** The method of the call that uses a target of this kind. */
const METHOD_OF = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'completion/complete',
} as const satisfies Partial<Record<TargetKind, string>>

/** Methods that can be asked about, as MCP spells them. */
export function knownMethods(): readonly string[] {
  return [...METHODS.keys()]
}

/** What to ask about instead of a method that uses a target; undefined for one that names none. */
export function targetOf(method: string): Exclude<Question['about'], 'method'> | undefined {
  return QUESTIONS.filter((about) => about !== 'method').find(
    (about) => METHOD_OF[about] === method,
  )
}

/** The frame in which the arguments of `callFor` stand; undefined where there are none. */
export function frameFor({ args }: Question): Uint8Array | undefined {
  return args === undefined ? undefined : Buffer.from(JSON.stringify(args))
}

/** The call a question is about. */
export function callFor(question: Question): Call {
  const { about, name } = question
  const frame = frameFor(question)
  const target: Target | undefined = about === 'method' ? undefined : { kind: about, name }
  const method = about === 'method' ? name : METHOD_OF[about]
  return {
    direction: 'up',
    kind: METHODS.get(method)?.kind ?? 'request',
    era: 'modern',
    version: '2026-07-28',
    method,
    needs: target === undefined ? needOf(method) : 'targets',
    targets: target === undefined ? [] : [target],
    id: '1',
    arguments: frame === undefined ? undefined : { start: 0, end: frame.length },
    spans: {},
  }
}

/** As `mcp/` reads it: plumbing needs a connection; what names nothing and is no plumbing, its own name. */
function needOf(method: string): Call['needs'] {
  const row = METHODS.get(method)
  const plumbing =
    row?.kind === 'notification' || row?.asks === 'connection' || row?.asks === 'listening'
  return plumbing ? 'connection' : 'method'
}
