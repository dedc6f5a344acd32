/**
 * The part of the demo in which a stock client that knows nothing but a URL finds the authorization server,
 * registers, has a person sign in and decide, and connects. The person is a form robot, whose pages need
 * no script.
 */
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

import { FormRobot } from './form-robot.ts'
import { claimsOf, OauthAgent } from './oauth-agent.ts'
import { RobotProvider } from './oauth-provider.ts'

/** Claims that are worth showing. */
const SHOWN_CLAIMS = ['iss', 'sub', 'client_id', 'act', 'aud', 'urn:gw:kind', 'scope']

/** @returns a connected client; what happened on the way is said. */
export async function connectFromNothing(
  url: string,
  say: (text: string) => void,
): Promise<Client> {
  const told: typeof fetch = async (to, init) => {
    const answer = await fetch(to, init)
    const { pathname } = new URL(addressOf(to))
    say(`  agent   ${(init?.method ?? 'GET').padEnd(4)} ${pathname.padEnd(46)} ${answer.status}`)
    return answer
  }
  const robot = new FormRobot({
    fetch: async (to, init) => {
      const answer = await fetch(to, init)
      const { pathname } = new URL(addressOf(to))
      const shown = /<h1[^>]*>(.*?)<\/h1>/s.exec(await answer.clone().text())?.[1]
      const said = shown === undefined ? '' : `  “${shown.replaceAll(/\s+/g, ' ').trim()}”`
      const place = pathname.replace(/[\w-]{30,}/, '…')
      say(
        `  person  ${(init?.method ?? 'GET').padEnd(4)} ${place.padEnd(46)} ${answer.status}${said}`,
      )
      return answer
    },
  })
  const auth = new RobotProvider(robot, new OauthAgent(new URL(url).origin))
  const open = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: auth, fetch: told })
  const first = open()
  try {
    await new Client(WHO).connect(first)
    throw new Error('nobody was asked')
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  await first.finishAuth(auth.code)
  const claims = claimsOf(auth.held?.access_token ?? '')
  const shown = Object.fromEntries(SHOWN_CLAIMS.map((name) => [name, claims[name]]))
  say(`\nits token, good for five minutes: ${JSON.stringify(shown)}`)
  const client = new Client(WHO)
  // From here on it is an MCP client like any other.
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider: auth }))
  return client
}

const WHO = { name: 'stock-agent', version: '1.0.0' }

function addressOf(to: Parameters<typeof fetch>[0]): string | URL {
  return to instanceof Request ? to.url : to
}
