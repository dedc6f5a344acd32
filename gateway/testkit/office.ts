/**
 * An office: Google's and Slack's emulators with accounts of the same people, an MCP server that uses both, and
 * a gateway before it that is its own authorization server.
 */
import { createEmulator, type Emulator } from 'emulate'

import { startOwnIssuer } from './authorization-server.ts'
import { cheapHash } from './cheap-hash.ts'
import { freePort } from './free-port.ts'
import { allowAll, type TestGatehouse } from './gatehouse.ts'
import { startOfficeServer, type OfficeServer } from './office-server.ts'

/** Of everybody. */
export const PASSWORD = 'correct horse battery staple'
const PEOPLE = ['alice', 'bob'] as const

/** Somebody with an account at the gateway, at Google and at Slack. */
export type Person = (typeof PEOPLE)[number]

/** What must never be seen. */
export const SECRETS = {
  GOOGLE_SECRET: 'google-secret-canary',
  SLACK_SECRET: 'slack-secret-canary',
}

export type Office = {
  readonly gateway: TestGatehouse
  readonly server: OfficeServer
  /** Origins of the emulators. */
  readonly google: string
  readonly slack: string
  stop(): Promise<void>
}

/** The emulators say `localhost`, which may be another address for somebody else. */
function originOf({ url }: Emulator): string {
  return url.replace('localhost', '127.0.0.1')
}

/** @param collector Where its gateway sends traces; none by default. */
export async function startOffice(collector?: string): Promise<Office> {
  const port = await freePort()
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
  const keys = `k1:${key}`
  const back = (provider: string) => [`http://127.0.0.1:${port}/connect/${provider}/callback`]
  const users = PEOPLE.map((name) => ({ name, real_name: name, email: `${name}@example.com` }))
  const google = await createEmulator({
    service: 'google',
    port: await freePort(),
    seed: {
      google: {
        users: users.map(({ name, email }) => ({ name, email })),
        oauth_clients: [
          { client_id: 'gid', client_secret: SECRETS.GOOGLE_SECRET, redirect_uris: back('google') },
        ],
        drive_items: PEOPLE.map((name) => ({
          id: `file-of-${name}`,
          user_email: `${name}@example.com`,
          name: `report of ${name}`,
          mime_type: 'text/plain',
        })),
      },
    },
  })
  const slack = await createEmulator({
    service: 'slack',
    port: await freePort(),
    seed: {
      slack: {
        team: { name: 'Team', domain: 'team' },
        users,
        channels: [{ name: 'general' }],
        oauth_apps: [
          {
            client_id: 'sid',
            client_secret: SECRETS.SLACK_SECRET,
            name: 'Gatehouse',
            redirect_uris: back('slack'),
            user_scopes: ['chat:write'],
          },
        ],
      },
    },
  })
  const server = await startOfficeServer(originOf(google), originOf(slack))
  const password = cheapHash(PASSWORD)
  const people = Object.fromEntries(PEOPLE.map((name) => [name, { password, name }]))
  const drive = 'https://www.googleapis.com/auth/drive.readonly'
  const gateway = await startOwnIssuer({
    servers: {
      office: {
        upstream: server.url,
        credential: { mode: 'vault', provider: 'google', scopes: [drive] },
        tool_credentials: {
          post_to_slack: { mode: 'vault', provider: 'slack', scopes: ['chat:write'] },
        },
      },
    },
    rules: [allowAll('office')],
    files: { 'users.yaml': JSON.stringify({ version: 1, users: people }) },
    config: {
      public_url: `http://127.0.0.1:${port}`,
      listen: { port },
      ...(collector !== undefined && { telemetry: { otlp: { endpoint: collector } } }),
      providers: {
        google: {
          authorize_url: `${originOf(google)}/o/oauth2/v2/auth`,
          token_url: `${originOf(google)}/oauth2/token`,
          revoke_url: `${originOf(google)}/oauth2/revoke`,
          issuer: google.url,
          client: { id: 'gid', secret: '${env:GOOGLE_SECRET}' },
        },
        slack: {
          authorize_url: `${originOf(slack)}/oauth/v2/authorize`,
          token_url: `${originOf(slack)}/api/oauth.v2.access`,
          client: { id: 'sid', secret: '${env:SLACK_SECRET}' },
        },
      },
    },
    env: { ...SECRETS, GATEHOUSE_KEYS: keys },
  })
  return {
    gateway,
    server,
    google: originOf(google),
    slack: originOf(slack),
    stop: async () => {
      await gateway.stop()
      await server.stop()
      await google.close()
      await slack.close()
    },
  }
}
