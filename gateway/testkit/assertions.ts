/** Assertions for tests: what an identity provider says of a person, and a platform of a program. */
import type {
  RegistrationRules,
  SignInProvider,
  Workload,
  WorkloadIssuer,
} from '../model/authorization-rules.ts'
import { Secret } from '../model/secret.ts'
import type { Signer } from './signer.ts'

export const IDP = 'https://login.corp.example'
export const PLATFORM = 'https://cluster.example'

/** An identity provider that speaks for people, with the keys of this signer. */
export function speakingProvider(
  signer: Signer,
  more: Partial<SignInProvider> = {},
): SignInProvider {
  return {
    name: 'corp',
    title: 'Corp',
    issuer: IDP,
    clientId: 'gatehouse',
    secret: new Secret('a secret'),
    clientAuth: 'basic',
    scopes: ['openid'],
    parameters: new Map(),
    claims: { subject: 'sub', name: 'name', groups: 'groups' },
    required: new Map(),
    groupScopes: undefined,
    assertions: {
      jwks: { kind: 'inline', keys: [{ ...signer.jwk }] },
      algorithms: [signer.algorithm],
      maxLifeSeconds: 600,
      clientHosts: [],
    },
    ...more,
  }
}

export function workload(more: Partial<Workload> = {}): Workload {
  return {
    subject: 'system:serviceaccount:jobs:nightly',
    claims: new Map(),
    client: 'nightly',
    kind: 'service',
    scopes: undefined,
    servers: undefined,
    groups: [],
    ...more,
  }
}

/** A platform that speaks for a program, with the keys of this signer. */
export function platform(signer: Signer, more: Partial<WorkloadIssuer> = {}): WorkloadIssuer {
  return {
    name: 'cluster',
    issuer: PLATFORM,
    jwks: { kind: 'inline', keys: [{ ...signer.jwk }] },
    algorithms: [signer.algorithm],
    maxLifeSeconds: 3_600,
    audiences: [],
    singleUse: true,
    accept: [workload()],
    ...more,
  }
}

/** Registration as the settings' defaults make it. */
export function openRegistration(more: Partial<RegistrationRules> = {}): RegistrationRules {
  return {
    mode: 'open',
    redirectHosts: undefined,
    idleMs: 86_400_000,
    perMinute: 10,
    maxClients: 5_000,
    tokens: new Map(),
    statements: new Map(),
    ...more,
  }
}
