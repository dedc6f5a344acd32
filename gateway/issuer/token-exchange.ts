/** The token-exchange grant (RFC 8693) at the token endpoint: reads what comes, and issues what is decided. */
import type { TokenEndpointGrantContext } from 'oidc-provider'
import { errors } from 'oidc-provider'

import type { Accounts } from './accounts.ts'
import type { ExchangeAnswer, ExchangeError } from './exchange.ts'
import { judgeExchange } from './exchange.ts'
import { TOKEN_EXCHANGE } from './exchange-names.ts'
import type { ExtraGrant, ExtraGrantOptions } from './extra-grant.ts'
import { createExtraGrant } from './extra-grant.ts'
import { headerOf } from './http.ts'
import type { OwnToken } from './own-token.ts'
import { textsOf } from './parameters.ts'
import type { Setup } from './setup.ts'

/** The one type of token that is taken and given (RFC 8693 §3). */
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** What may be sent more than once, and then has to mean the same. */
const TARGETS = ['resource', 'audience'] as const

const PARAMETERS = [
  ...TARGETS,
  'scope',
  'requested_token_type',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
]

export type TokenExchangeOptions = Pick<ExtraGrantOptions, 'describe' | 'now'> & {
  readonly setup: () => Setup
  readonly accounts: Accounts
  /** Undefined for a token that is not ours, has ended or was revoked. */
  readonly readOwn: (token: string) => Promise<OwnToken | undefined>
}

export function createTokenExchange(options: TokenExchangeOptions): ExtraGrant {
  return createExtraGrant({
    ...options,
    name: TOKEN_EXCHANGE,
    parameters: PARAMETERS,
    repeatable: TARGETS,
    answer: { issued_token_type: ACCESS_TOKEN },
    decide: async (context) => {
      const { subject, judged } = await judge(context, options)
      return { ...judged, subject: subject.caller.subject, grant: subject.caller.grant }
    },
  })
}

type Judged = {
  readonly subject: OwnToken
  readonly judged: Extract<ExchangeAnswer, { readonly ok: true }>
}

async function judge(
  context: TokenEndpointGrantContext,
  { setup, accounts, readOwn, now }: TokenExchangeOptions,
): Promise<Judged> {
  const { client, params } = context.oidc
  // Asked anew each time: an operator can have changed it since the client was read.
  const entitlement = setup().clients.get(client.clientId)
  if (entitlement?.mayExchange === undefined) throw new errors.UnauthorizedClient()
  if (headerOf(context.req, 'dpop') !== undefined) {
    throw new errors.InvalidRequest('exchanged tokens cannot be bound to a key')
  }
  checkTypes(params)
  const subject = await readOwn(textOf(params['subject_token']))
  if (subject === undefined) throw new errors.InvalidRequest('subject_token is not valid')
  const actorText = textOf(params['actor_token'])
  const actor = actorText === '' ? undefined : await readOwn(actorText)
  if (actorText !== '' && actor === undefined) {
    throw new errors.InvalidRequest('actor_token is not valid')
  }
  const { grant, subject: id } = subject.caller
  const judged = judgeExchange(
    {
      client: client.clientId,
      entitlement,
      subject,
      account: grant === undefined ? undefined : await accounts.find(id),
      actor,
      targets: TARGETS.flatMap((name) => textsOf(params[name])),
      scope: params.scope,
    },
    { setup: setup(), nowSeconds: now() / 1_000 },
  )
  if (!judged.ok) throw errorOf(judged.error, judged.detail)
  return { subject, judged }
}

function errorOf(error: ExchangeError, detail: string): Error {
  switch (error) {
    case 'unauthorized_client':
      return new errors.UnauthorizedClient(detail)
    case 'invalid_request':
      return new errors.InvalidRequest(detail)
    case 'invalid_target':
      return new errors.InvalidTarget(detail)
    case 'invalid_scope':
      return new errors.InvalidScope(detail, '')
  }
}

/** RFC 8693 §2.1: a token comes with its type, and a type with its token. */
function checkTypes(params: Readonly<Record<string, unknown>>): void {
  const wanted = params['requested_token_type']
  if (params['subject_token'] === undefined || !isAccessToken(params['subject_token_type'])) {
    throw new errors.InvalidRequest('subject_token and its type, an access token, are needed')
  }
  const hasActor = params['actor_token'] !== undefined
  if (
    hasActor ? !isAccessToken(params['actor_token_type']) : params['actor_token_type'] !== undefined
  ) {
    throw new errors.InvalidRequest('actor_token and its type, an access token, go together')
  }
  if (wanted !== undefined && !isAccessToken(wanted)) {
    throw new errors.InvalidRequest('only access tokens are issued')
  }
}

function isAccessToken(type: unknown): boolean {
  return type === ACCESS_TOKEN
}

function textOf(parameter: unknown): string {
  return typeof parameter === 'string' ? parameter : ''
}
