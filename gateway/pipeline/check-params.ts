import { paramDisagreement } from '../mcp/header-params.ts'
import { parseForeign } from '../model/json-names.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { Head } from './admit.ts'
import type { Desk } from './desk.ts'

/**
 * Whoever reads the body must check the headers that mirror it, since others on the way may act on them
 * (SEP-2243). Only of a permitted call: what a tool mirrors is for those who may see it.
 *
 * @throws {Refusal} `header_mismatch` when an `Mcp-Param-*` header and its argument disagree, as every
 *   known definition of the tool has it.
 */
export function checkParams(
  { call, server }: Permit,
  { params: headers }: Pick<Head, 'params'>,
  body: Uint8Array,
  { catalogue }: Pick<Desk, 'catalogue'>,
): void {
  if (call.era !== 'modern' || call.method !== 'tools/call') return
  const ways = catalogue.params(server.name, call.targets[0]?.name ?? '')
  if (ways === undefined) return
  const args = argumentsOf(body, call.arguments)
  let message: string | undefined
  for (const way of ways) {
    const disagreement = paramDisagreement(way, headers, args)
    if (disagreement === undefined) return
    message = disagreement
  }
  throw new Refusal('header_mismatch', message === undefined ? {} : { message })
}

function argumentsOf(body: Uint8Array, span: Permit['call']['arguments']): unknown {
  if (span === undefined) return undefined
  const { buffer, byteOffset } = body
  const bytes = Buffer.from(buffer, byteOffset + span.start, span.end - span.start)
  return parseForeign(bytes.toString('utf8'))
}
