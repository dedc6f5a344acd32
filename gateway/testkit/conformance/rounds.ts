/**
 * Tools and prompts of the official suite that ask the client back. Written once: a modern client gets
 * `input_required` and comes again, for a legacy one the SDK asks on the stream.
 */
import type {
  CallToolResult,
  InputRequest,
  InputRequiredResult,
  McpServer,
  RequestStateCodec,
  ServerContext,
} from '@modelcontextprotocol/server'
import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
} from '@modelcontextprotocol/server'

import { ask, DEFAULTS, ENUMERATIONS, oneText, sample } from './schemas.ts'

type Requests = Readonly<Record<string, InputRequest>>
type Answered = CallToolResult | InputRequiredResult

/** What the client says about itself with every request; the SDK's own type has no members. */
type Envelope = { readonly [CLIENT_CAPABILITIES_META_KEY]?: object }

const NAME = { name: { type: 'string' } }
const CONFIRM: Requests = { confirm: ask('Please confirm', { ok: { type: 'boolean' } }) }

const CONTACT = {
  username: { type: 'string', description: "User's response" },
  email: { type: 'string', description: "User's email address" },
}

const saying = (words: string): CallToolResult => ({ content: [{ type: 'text', text: words }] })

/** What the client answered to every request, or the requests again while one is missing or wrong. */
function answers(context: ServerContext, requests: Requests): readonly unknown[] | undefined {
  const { inputResponses } = context.mcpReq
  const views = Object.keys(requests).map((key) => inputResponse(inputResponses, key))
  const lacking = views.some(
    (view) => view.kind === 'missing' || (view.kind === 'elicit' && !isWhole(view)),
  )
  return lacking ? undefined : views
}

/** An accepted answer must have content; to decline is an answer too. */
function isWhole(view: { readonly action: string; readonly content?: object }): boolean {
  return view.action !== 'accept' || Object.keys(view.content ?? {}).length > 0
}

function once(requests: Requests, say: (answers: readonly unknown[]) => string) {
  return (context: ServerContext): Answered => {
    const given = answers(context, requests)
    return given === undefined ? inputRequired({ inputRequests: requests }) : saying(say(given))
  }
}

const ROUNDS: Readonly<Record<string, (context: ServerContext) => Answered>> = {
  test_input_required_result_elicitation: once(
    { user_name: ask('What is your name?', NAME) },
    ([answer]) => `Hello, ${JSON.stringify(answer)}!`,
  ),
  test_input_required_result_sampling: once(
    { capital_question: sample('What is the capital of France?', 100) },
    ([answer]) => JSON.stringify(answer),
  ),
  test_input_required_result_list_roots: once(
    { client_roots: inputRequired.listRoots() },
    ([answer]) => JSON.stringify(answer),
  ),
  test_streaming_elicitation: once(
    { user_name: ask('What is your name?', NAME) },
    ([answer]) => `Hello, ${JSON.stringify(answer)}!`,
  ),
  test_missing_capability: once({ question: sample('Anything', 10) }, ([answer]) =>
    JSON.stringify(answer),
  ),
  test_elicitation_sep1034_defaults: once(
    { answer: ask('Defaults for every kind', DEFAULTS, []) },
    completed,
  ),
  test_elicitation_sep1330_enums: once(
    { answer: ask('Every form of an enumeration', ENUMERATIONS, []) },
    completed,
  ),
  test_input_required_result_capabilities: ({ mcpReq }) => {
    const envelope: Envelope = mcpReq.envelope ?? {}
    const declared = envelope[CLIENT_CAPABILITIES_META_KEY] ?? {}
    const inputRequests = {
      ...('sampling' in declared && { question: sample('Anything', 10) }),
      ...('elicitation' in declared && { user_name: ask('What is your name?', NAME) }),
    }
    return inputRequired({ inputRequests })
  },
}

function completed([answer]: readonly unknown[]): string {
  const { action, content } = answer as { readonly action: string; readonly content?: object }
  return `Elicitation completed: action=${action}, content=${JSON.stringify(content)}`
}

/** What a server remembers between rounds: how many have passed. */
export type Round = { readonly round: number }

/** @param codec Seals what travels through the client between rounds. */
export function registerRounds(server: McpServer, codec: RequestStateCodec<Round>): void {
  for (const [name, run] of Object.entries(ROUNDS)) {
    server.registerTool(name, { description: name.replaceAll('_', ' ') }, run)
  }
  registerAsking(server)
  const stateful: Readonly<Record<string, Requests>> = {
    test_input_required_result_request_state: CONFIRM,
    test_input_required_result_tampered_state: CONFIRM,
    test_input_required_result_multiple_inputs: {
      user_name: ask('What is your name?', NAME),
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    },
  }
  for (const [name, inputRequests] of Object.entries(stateful)) {
    server.registerTool(name, { description: name.replaceAll('_', ' ') }, async (context) => {
      const known = context.mcpReq.requestState<Round>()
      const given = answers(context, inputRequests)
      if (known !== undefined && given !== undefined) return saying('state-ok')
      return inputRequired({ inputRequests, requestState: await codec.mint({ round: 1 }) })
    })
  }
  const steps: readonly Requests[] = [
    { step1: ask('Step 1: What is your name?', NAME) },
    { step2: ask('Step 2: What is your favorite color?', { color: { type: 'string' } }) },
  ]
  const multiRound = { description: 'Asks in two rounds' }
  server.registerTool('test_input_required_result_multi_round', multiRound, async (context) => {
    const { round } = context.mcpReq.requestState<Round>() ?? { round: 0 }
    const asked = steps[round - 1]
    const next = asked !== undefined && answers(context, asked) === undefined ? round - 1 : round
    const inputRequests = steps[next]
    if (inputRequests === undefined) return saying('Both rounds are over')
    return inputRequired({ inputRequests, requestState: await codec.mint({ round: next + 1 }) })
  })
}

/** Tools whose question is an argument. */
function registerAsking(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client', inputSchema: oneText('prompt') },
    ({ prompt }, context) =>
      once({ answer: sample(prompt, 100) }, ([answer]) => {
        const { result } = answer as { readonly result: { readonly content: unknown } }
        return `LLM response: ${JSON.stringify(result.content)}`
      })(context),
  )
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user', inputSchema: oneText('message') },
    ({ message }, context) =>
      once({ answer: ask(message, CONTACT) }, ([answer]) => {
        const { action, content } = answer as { readonly action: string; readonly content?: object }
        return `User response: action: ${action}, content: ${JSON.stringify(content)}`
      })(context),
  )
}

/** A prompt that asks back before it is made. */
export function registerAskingPrompt(server: McpServer): void {
  const requests: Requests = {
    user_context: ask('What context should the prompt use?', { context: { type: 'string' } }),
  }
  const about = { description: 'Asks for its context' }
  server.registerPrompt('test_input_required_result_prompt', about, (context) => {
    const given = answers(context, requests)
    if (given === undefined) return inputRequired({ inputRequests: requests })
    const words = `Use this: ${JSON.stringify(given[0])}`
    return { messages: [{ role: 'user', content: { type: 'text', text: words } }] }
  })
}
