import type { Caller, CallerKind } from '../model/caller.ts'

/** What people say of a caller when they ask about policy; what they leave out has a default. */
export type CallerDescription = {
  readonly [key in 'subject' | 'client' | 'issuer' | 'tenant']: string | undefined
} & Pick<Caller, 'groups' | 'scopes' | 'interactive'> & { readonly kind: CallerKind | undefined }

/** A caller that was never authenticated, to ask questions with. */
export function describeCaller(description: CallerDescription): Caller {
  return {
    tenant: description.tenant ?? 'default',
    issuer: description.issuer ?? 'https://issuer.example',
    subject: description.subject ?? 'somebody',
    client: description.client ?? '',
    kind: description.kind ?? 'agent',
    via: 'jwt',
    groups: description.groups,
    scopes: description.scopes,
    actors: [],
    interactive: description.interactive,
    tokenId: undefined,
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 0,
    expiresAtSeconds: Number.POSITIVE_INFINITY,
  }
}
