/** The agents of the bench: registered once, then only requests that are sent over and over. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { AGENTS, REGISTERING_AT_ONCE } from './constants.ts'
import type { Issuing } from './gateway.ts'

/** Files with what the generators send. */
export type Fleet = {
  /** An access token a line, one of each agent. */
  readonly tokensFile: string
  /** A request for a token of each agent. */
  readonly tokenRequestsFile: string
  /** One registration; whoever sends it again is somebody else. */
  readonly registrationsFile: string
}

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

const METADATA = JSON.stringify({
  client_name: 'Bench Agent',
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'client_secret_basic',
})

/** Registers all of them and gets each a token. @throws {Error} When one is refused. */
export async function gatherFleet(issuing: Issuing, directory: string): Promise<Fleet> {
  const agents: { readonly basic: string; readonly token: string }[] = []
  let waiting = 0
  const enrol = async (): Promise<void> => {
    while (agents.length + waiting < AGENTS) {
      waiting += 1
      const agent = await enrolOne(issuing)
      waiting -= 1
      agents.push(agent)
    }
  }
  await Promise.all(Array.from({ length: REGISTERING_AT_ONCE }, enrol))
  const write = (name: string, text: string): string => {
    const file = path.join(directory, name)
    writeFileSync(file, text)
    return file
  }
  const { host } = new URL(issuing.origin)
  const registration = request(host, '/oauth/register', {
    authorization: `Bearer ${issuing.registrationToken}`,
    type: JSON_TYPE,
    body: METADATA,
  })
  const tokenRequests = agents.map(({ basic }) =>
    request(host, '/oauth/token', { authorization: basic, type: FORM_TYPE, body: form(issuing) }),
  )
  return {
    tokensFile: write('agent-tokens.txt', agents.map(({ token }) => token).join('\n')),
    tokenRequestsFile: write('token-requests.json', JSON.stringify(tokenRequests)),
    registrationsFile: write('registrations.json', JSON.stringify([registration])),
  }
}

async function enrolOne(issuing: Issuing): Promise<{ basic: string; token: string }> {
  const { origin, registrationToken } = issuing
  const client = await ask<{ client_id: string; client_secret: string }>(
    `${origin}/oauth/register`,
    { authorization: `Bearer ${registrationToken}`, type: JSON_TYPE, body: METADATA },
  )
  const pair = `${client.client_id}:${client.client_secret}`
  const basic = `Basic ${Buffer.from(pair).toString('base64')}`
  const url = `${origin}/oauth/token`
  const issued = await ask<{ access_token: string }>(url, {
    authorization: basic,
    type: FORM_TYPE,
    body: form(issuing),
  })
  return { basic, token: issued.access_token }
}

function form({ origin, calls }: Issuing): string {
  const resource = origin + calls.path
  return new URLSearchParams({ grant_type: 'client_credentials', resource }).toString()
}

type Sent = { readonly authorization: string; readonly type: string; readonly body: string }

async function ask<Answer>(url: string, { authorization, type, body }: Sent): Promise<Answer> {
  const headers = { authorization, 'content-type': type }
  const response = await fetch(url, { method: 'POST', headers, body })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text}`)
  return JSON.parse(text) as Answer
}

/** The same as bytes for a raw connection. */
function request(host: string, target: string, { authorization, type, body }: Sent): string {
  const lines = [
    `POST ${target} HTTP/1.1`,
    `Host: ${host}`,
    'Accept: application/json',
    `Content-Type: ${type}`,
    `Authorization: ${authorization}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
