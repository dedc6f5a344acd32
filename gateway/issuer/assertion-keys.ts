/** The keys of those whose assertions and statements are taken, kept over reloads where nothing about them changed. */
import type { IssuerKeys, KeyLoading } from '../identity/issuer-keys.ts'
import { createIssuerKeys } from '../identity/issuer-keys.ts'
import type { JwksSource, Signatory } from '../model/jwks-source.ts'
import type { Setup } from './setup.ts'

export type AssertionKeys = {
  /** The keys of one of those configured last; undefined for anybody else. */
  of(signatory: Pick<Signatory, 'issuer' | 'jwks'>): IssuerKeys | undefined
  /** Whose keys there are from now on; files are read again. */
  configure(setup: KeySetup): void
  /** Fetches what is missing or due. Never rejects. */
  refresh(): Promise<void>
}

type KeySetup = Pick<Setup, 'signIn' | 'workloads' | 'registration'>

type Keyed = { readonly issuer: string; readonly jwks: JwksSource }

export function createAssertionKeys(loading: KeyLoading): AssertionKeys {
  let known = new Map<string, IssuerKeys>()
  return {
    of: (signatory) => known.get(placeOf(signatory)),
    configure: (setup) => {
      const next = new Map<string, IssuerKeys>()
      for (const signatory of signatoriesOf(setup)) {
        const { issuer, jwks: source } = signatory
        const place = placeOf(signatory)
        const kept = known.get(place)
        if (source.kind === 'file') kept?.expire()
        next.set(place, kept ?? createIssuerKeys({ ...loading, issuer, source }))
      }
      known = next
    },
    refresh: async () => {
      await Promise.all(Array.from(known.values(), (keys) => keys.refresh()))
    },
  }
}

function placeOf({ issuer, jwks }: Keyed): string {
  return JSON.stringify([issuer, jwks])
}

function signatoriesOf({ signIn, workloads, registration }: KeySetup): Keyed[] {
  const people = [...signIn.values()].flatMap(({ issuer, assertions }) =>
    assertions === undefined ? [] : [{ issuer, jwks: assertions.jwks }],
  )
  return [...people, ...workloads.values(), ...registration.statements.values()]
}
