/**
 * What an agent developer writes to use the OAuth code of an MCP SDK: a place for credentials, and a way to
 * show a person a page. Here the person is a form robot.
 */
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'

import type { FormRobot } from './form-robot.ts'
import type { OauthAgent } from './oauth-agent.ts'

export class RobotProvider implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1:9/callback'
  /** The code of the last authorization, for `finishAuth`. */
  code = ''
  /** The parameters the last redirect came with. */
  answer = new URLSearchParams()
  /** Address at which the client is described, where it is not to register. */
  clientMetadataUrl?: string
  /** Authorizations begun. */
  asked = 0
  client: OAuthClientInformationMixed | undefined
  held: OAuthTokens | undefined
  readonly #robot: FormRobot
  readonly #agent: OauthAgent
  #verifier = ''

  constructor(robot: FormRobot, agent: OauthAgent) {
    this.#robot = robot
    this.#agent = agent
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'Stock Agent',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.client
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.client = client
  }

  tokens(): OAuthTokens | undefined {
    return this.held
  }

  saveTokens(tokens: OAuthTokens): void {
    this.held = tokens
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    this.asked += 1
    const back = await this.#agent.consent(this.#robot, url.href)
    this.answer = back.searchParams
    this.code = back.searchParams.get('code') ?? ''
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  codeVerifier(): string {
    return this.#verifier
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'client') this.client = undefined
    if (scope === 'all' || scope === 'tokens') this.held = undefined
  }
}
