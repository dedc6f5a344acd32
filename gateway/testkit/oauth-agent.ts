/** An OAuth client in small steps, for tests that want to go wrong at one of them. */
import { createHash, randomBytes } from 'node:crypto'

import type { FormRobot, Shown } from './form-robot.ts'

export const REDIRECT = 'http://127.0.0.1:9/callback'

export type Registered = {
  readonly client_id: string
  readonly client_secret?: string
  readonly registration_access_token: string
  readonly registration_client_uri: string
}

export type Tokens = {
  readonly access_token: string
  readonly refresh_token?: string
  readonly expires_in: number
  readonly scope?: string
}

export type Reply<Body> = {
  readonly status: number
  readonly json: Body
  readonly headers: Headers
}

/** The one user of these tests. */
export const ALICE = { name: 'alice', password: 'correct horse battery staple' }

/** The header in which a client sends its secret (RFC 6749 §2.3.1); for texts that need no encoding. */
export function basic(id: string, secret: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

export class OauthAgent {
  readonly origin: string
  readonly verifier = randomBytes(32).toString('base64url')

  constructor(origin: string) {
    this.origin = origin
  }

  async register(
    metadata: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Registered>> {
    return await this.#post('/oauth/register', {
      body: JSON.stringify({ redirect_uris: [REDIRECT], client_name: 'Report Agent', ...metadata }),
      headers: { 'content-type': 'application/json', ...headers },
    })
  }

  /** The address a client sends its user to. */
  authorizeUrl(client: string, more: Readonly<Record<string, string | undefined>> = {}): string {
    const challenge = createHash('sha256').update(this.verifier).digest('base64url')
    const query = new URLSearchParams()
    const parameters = {
      response_type: 'code',
      client_id: client,
      redirect_uri: REDIRECT,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'state-1',
      ...more,
    }
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) query.set(name, value)
    }
    return `${this.origin}/oauth/authorize?${query.toString()}`
  }

  /** Signs in and allows everything; returns where the browser was sent in the end. */
  async consent(robot: FormRobot, url: string): Promise<URL> {
    let page = await robot.open(url)
    if (page.text.includes('name="password"')) page = await signIn(robot, page)
    const done = page.headers.has('location') ? page : await robot.submit(page, { do: 'allow' })
    return new URL(done.headers.get('location') ?? '')
  }

  async redeem(
    client: string,
    code: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Tokens>> {
    return await this.token({
      grant_type: 'authorization_code',
      client_id: client,
      redirect_uri: REDIRECT,
      code_verifier: this.verifier,
      code,
      ...more,
    })
  }

  async token(
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Tokens>> {
    return await this.form('/oauth/token', form, headers)
  }

  async form<Body>(
    path: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Body>> {
    return await this.#post(path, {
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
  }

  /** From nothing to tokens. */
  async tokens(robot: FormRobot, more: Readonly<Record<string, string>> = {}): Promise<Login> {
    const { json: client } = await this.register()
    const url = await this.consent(robot, this.authorizeUrl(client.client_id, more))
    const code = url.searchParams.get('code') ?? ''
    const { json } = await this.redeem(client.client_id, code)
    return { client, code, tokens: json }
  }

  async #post<Body>(path: string, init: RequestInit): Promise<Reply<Body>> {
    const response = await fetch(this.origin + path, { method: 'POST', ...init })
    const text = await response.text()
    const json = (text === '' ? {} : JSON.parse(text)) as Body
    return { status: response.status, json, headers: response.headers }
  }
}

export type Login = {
  readonly client: Registered
  readonly code: string
  readonly tokens: Tokens
}

export async function signIn(robot: FormRobot, page: Shown): Promise<Shown> {
  return await robot.submit(page, { ...ALICE, do: 'sign-in' })
}

/** The claims of a JWT, unverified. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >
}
