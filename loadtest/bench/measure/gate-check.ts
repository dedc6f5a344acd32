/**
 * Proves, before anything is timed, that a variant does what its row says: a good call gets the
 * upstream's answer, a forged token and a forbidden tool do not, and all tokens of the load are good.
 */
import { readFileSync } from 'node:fs'
import { CONNECTIONS } from '../constants.ts'
import type { Bench, Contender } from '../bench.ts'
import { badOnes } from '../generator/tally.ts'
import { forged } from '../tokens.ts'
import { CALL_ANSWER, CALL_BODY, FORBIDDEN_BODY, LIST_BODY } from '../traffic.ts'
import type { Variant } from '../variants/variant.ts'

/** @throws {Error} Saying what the variant did instead. */
export async function checkGate(bench: Bench, { variant, running }: Contender): Promise<void> {
  const { target } = running
  const url = `http://${target.host}:${target.port}${target.path}`
  const token = readFileSync(bench.tokensFile, 'utf8').split('\n')[0] ?? ''
  // A gateway that knows tools by their lists has to have seen one.
  await ask(url, { token, body: LIST_BODY })
  const good = await ask(url, { token, body: CALL_BODY })
  if (good !== CALL_ANSWER) throw new Error(`a good call was answered with ${good.slice(0, 300)}`)
  for (const { what, ...question } of mustBeRefused(variant, token)) {
    if ((await ask(url, question)) === CALL_ANSWER) throw new Error(`${what} was let through`)
  }
  const { tally } = await bench.generator.run<'closed_loop'>({
    kind: 'closed_loop',
    target,
    tokensFile: bench.tokensFile,
    body: bench.call.body,
    plan: { connections: CONNECTIONS, until: 'each', expectedBytes: bench.call.answerBytes },
  })
  if (badOnes(tally) > 0) throw new Error(`not all tokens are good: ${JSON.stringify(tally)}`)
}

type Ask = { readonly token: string; readonly body: string }

function mustBeRefused(
  { refuses }: Variant,
  token: string,
): readonly (Ask & { readonly what: string })[] {
  const badToken = { what: 'a forged token', token: forged(token), body: CALL_BODY }
  const badTool = { what: 'a forbidden tool', token, body: FORBIDDEN_BODY }
  switch (refuses) {
    case 'nothing':
      return []
    case 'tokens':
      return [badToken]
    case 'tokens_and_tools':
      return [badToken, badTool]
  }
}

async function ask(url: string, { token, body }: Ask): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2025-06-18',
      authorization: `Bearer ${token}`,
    },
    body,
  })
  return response.text()
}
