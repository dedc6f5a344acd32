/** How we say who we are at somebody else's token, introspection or revocation endpoint. */
import { randomUUID } from 'node:crypto'

import * as oauth from 'oauth4webapi'

import type { ClientAssertion, OAuthClient } from '../model/credential.ts'
import { signAssertion } from '../oauth/sign-assertion.ts'
import type { Sign } from './issue.ts'

/** Life of an assertion: one request, and clocks that differ a little. */
const ASSERTION_SECONDS = 60

/** RFC 7521 §4.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export type ClientAuth = (client: OAuthClient) => oauth.ClientAuth

/**
 * @param options.sign Signs with the key that the gateway signs tokens with.
 * @param options.now Epoch milliseconds.
 */
export function createClientAuth(options: {
  readonly sign: Sign
  readonly now: () => number
}): ClientAuth {
  return ({ assertion, auth, secret }) => {
    if (assertion !== undefined) {
      return (_server, { client_id: id }, body) => {
        body.set('client_id', id)
        body.set('client_assertion_type', ASSERTION_TYPE)
        body.set('client_assertion', statement(id, assertion, options))
      }
    }
    if (secret === undefined) return oauth.None()
    return auth === 'post' ? oauth.ClientSecretPost(secret.reveal()) : basic(secret.reveal())
  }
}

/** RFC 7523 §3. */
function statement(
  id: string,
  { audience, key }: ClientAssertion,
  { sign, now }: Parameters<typeof createClientAuth>[0],
): string {
  const iat = Math.floor(now() / 1_000)
  const life = { iat, nbf: iat, exp: iat + ASSERTION_SECONDS, jti: randomUUID() }
  const claims = { iss: id, sub: id, aud: audience, ...life }
  return key === undefined ? sign(claims, 'JWT') : signAssertion(claims, key)
}

/**
 * RFC 6749 §2.3.1, in the words of the form encoding that servers expect: the library's own also escapes
 * `-`, `.` and `_`, which servers that do not decode take for another secret.
 */
function basic(secret: string): oauth.ClientAuth {
  return (_server, { client_id: id }, _body, headers) => {
    const pair = Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')
    headers.set('authorization', `Basic ${pair}`)
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
