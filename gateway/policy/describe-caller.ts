import type { Caller, CallerKind } from '../model/caller.ts'

/** What people say of a caller when they ask about policy; what they leave out has a default. */
export type CallerDescription = {
  readonly [key in 'subject' | 'client' | 'issuer' | 'tenant']: string | undefined
} & Pick<Caller, 'groups' | 'scopes' | 'interactive' | 'claims'> & {
    readonly kind: CallerKind | undefined
    /** Subjects of the actors of its delegation chain, the current one first. Default: none. */
    readonly chain?: readonly string[]
  }

/** A caller that was never authenticated, to ask questions with. */
export function describeCaller(description: CallerDescription): Caller {
  const issuer = description.issuer ?? 'https://issuer.example'
  return {
    tenant: description.tenant ?? 'default',
    issuer,
    subject: description.subject ?? 'somebody',
    client: description.client ?? '',
    kind: description.kind ?? 'agent',
    via: 'jwt',
    groups: description.groups,
    scopes: description.scopes,
    actors: (description.chain ?? []).map((subject) => ({ issuer, subject })),
    interactive: description.interactive,
    tokenId: undefined,
    grant: undefined,
    session: undefined,
    ...(description.claims !== undefined && { claims: description.claims }),
    issuedAtSeconds: 0,
    expiresAtSeconds: Number.POSITIVE_INFINITY,
  }
}
