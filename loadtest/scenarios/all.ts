/** Every scenario, in the order they run. */
import { callModern, callTool, endSession, initialize, listTools, revoke } from './asks.ts'
import { clientCredentials, deregister, register } from './oauth-asks.ts'
import { CALLER, type Got, type Scenario, type World } from './scenario.ts'

/** Of ten requests of the main path, how many ask for the list. */
const LISTS_OF_TEN = 1

/** Every so many visits a caller is revoked. */
const REVOKE_EVERY = 50

const main: Scenario = {
  name: 'main',
  about: 'calls of 1,000 callers, every tenth request a tools/list',
  perSecond: 200,
  seconds: 30,
  p95Ms: 20,
  p99Ms: 100,
  *visit(turn, world) {
    const token = tokenOf(turn, world)
    yield turn % 10 < LISTS_OF_TEN ? listTools(world, { token }) : callTool(world, { token })
  },
}

const agents: Scenario = {
  name: 'agents',
  about: '1,000 registered agents, each with ten new tokens a minute and a call with each',
  perSecond: 167,
  seconds: 60,
  p95Ms: 100,
  p99Ms: 400,
  *visit(turn, world) {
    const authorization = world.clients[turn % world.clients.length] ?? ''
    const token = yield clientCredentials(world, { authorization })
    yield callTool(world, { token: member(token, 'access_token') })
  },
}

const churn: Scenario = {
  name: 'churn',
  about: 'agents that register, get a token, call a tool and take themselves out again',
  perSecond: 20,
  seconds: 30,
  p95Ms: 100,
  p99Ms: 400,
  *visit(turn, world) {
    const client = yield register(world, `Agent ${turn}`)
    const form = {
      client_id: member(client, 'client_id'),
      client_secret: member(client, 'client_secret'),
    }
    const token = yield clientCredentials(world, { form })
    yield callTool(world, { token: member(token, 'access_token') })
    const uri = member(client, 'registration_client_uri')
    yield deregister(uri, member(client, 'registration_access_token'))
  },
}

const eras: Scenario = {
  name: 'eras',
  about: 'modern calls beside whole legacy sessions, from initialize to DELETE',
  perSecond: 60,
  seconds: 30,
  p95Ms: 20,
  p99Ms: 100,
  *visit(turn, world) {
    const token = tokenOf(turn, world)
    if (turn % 2 === 0) {
      yield callModern(world, { token })
      return
    }
    const begun = yield initialize(world, { token })
    const session = begun.header('mcp-session-id')
    yield listTools(world, { token, session })
    yield callTool(world, { token, session })
    yield endSession(world, { token, session })
  },
}

const revocations: Scenario = {
  name: 'revocations',
  about: 'callers who are revoked under load and must be refused from then on',
  perSecond: 100,
  seconds: 30,
  p95Ms: 20,
  p99Ms: 100,
  *visit(turn, world) {
    // One half is revoked one after another, the other half goes on undisturbed.
    const half = Math.floor(world.tokens.length / 2)
    if (turn % REVOKE_EVERY !== 0) {
      yield callTool(world, { token: tokenOf(half + (turn % half), world) })
      return
    }
    const victim = (turn / REVOKE_EVERY) % half
    const token = tokenOf(victim, world)
    yield callTool(world, { token })
    yield revoke(world, `${CALLER}${victim}`)
    yield callTool(world, { token, isGood: ({ status }) => status === 401 })
  },
}

const streams: Scenario = {
  ...main,
  name: 'streams',
  about: 'the main path beside 500 open event streams that are told something every second',
  perSecond: 100,
  streams: 500,
  p95Ms: 40,
  p99Ms: 150,
}

const sessions: Scenario = {
  name: 'sessions',
  about: '2,000 open sessions of as many callers, each of which calls in its turn, twice',
  perSecond: 100,
  seconds: 40,
  sessions: 2_000,
  p95Ms: 40,
  p99Ms: 150,
  *visit(turn, world) {
    const [token = '', session] = world.sessions[turn % world.sessions.length]?.split(' ') ?? []
    yield callTool(world, { token, session })
  },
}

/** Those of the revoked come last: they are lost to the others. */
export const SCENARIOS: readonly Scenario[] = [
  main,
  agents,
  churn,
  eras,
  sessions,
  streams,
  revocations,
]

function tokenOf(turn: number, { tokens }: World): string {
  return tokens[turn % tokens.length] ?? ''
}

/** A text member of a JSON answer; empty where there is none, so that what comes next fails and is counted. */
function member({ body }: Got, name: string): string {
  try {
    const value = (JSON.parse(body) as Record<string, unknown> | null)?.[name]
    return typeof value === 'string' ? value : ''
  } catch {
    return ''
  }
}
