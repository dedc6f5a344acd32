/** The official SDKs with their own OAuth code: connecting ends, once, where a person is needed, and goes on after. */
import type { OAuthClientProvider as ModernProvider } from '@modelcontextprotocol/client'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorized,
} from '@modelcontextprotocol/client'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

import type { RobotProvider } from './oauth-provider.ts'

const INFO = { name: 'stock', version: '1.0.0' }

/** Connects with the SDK v1 where nobody needs to be asked. */
export async function connectV1With(url: string, authProvider: OAuthClientProvider) {
  const client = new Client(INFO)
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }))
  return client
}

/** Connects with the SDK v2 where nobody needs to be asked. */
export async function connectV2With(url: string, authProvider: ModernProvider) {
  const client = new ModernClient(INFO)
  await client.connect(new ModernTransport(new URL(url), { authProvider }))
  return client
}

/** Connects with the SDK v1; the first attempt ends where a person is needed. */
export async function signInV1(url: string, auth: RobotProvider): Promise<Client> {
  try {
    return await connectV1With(url, auth)
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  const options = { authProvider: auth }
  await new StreamableHTTPClientTransport(new URL(url), options).finishAuth(auth.code)
  return await connectV1With(url, auth)
}

/** The same with the SDK v2, which is given all that the browser came back with. */
export async function signInV2(url: string, auth: RobotProvider): Promise<ModernClient> {
  try {
    return await connectV2With(url, auth)
  } catch (error) {
    if (!(error instanceof ModernUnauthorized)) throw error
  }
  await new ModernTransport(new URL(url), { authProvider: auth }).finishAuth(auth.answer)
  return await connectV2With(url, auth)
}
