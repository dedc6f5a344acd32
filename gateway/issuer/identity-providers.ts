import type { SignInProvider } from '../model/authorization-rules.ts'
import type { IdentityProvider, IdentityProviderOptions } from './identity-provider.ts'
import { createIdentityProvider } from './identity-provider.ts'
import { CALLBACK_PATH } from './routes.ts'
import type { Setup } from './setup.ts'

/** Finds a configured identity provider by its name; undefined where there is none of that name. */
export type IdentityProviders = (name: string) => IdentityProvider | undefined

/** Makes that function. What was discovered of a provider is kept for as long as it is configured so. */
export function createIdentityProviders(
  options: Omit<IdentityProviderOptions, 'provider' | 'redirectUri'> & {
    readonly setup: () => Pick<Setup, 'issuer' | 'signIn'>
  },
): IdentityProviders {
  const { setup } = options
  const known = new Map<SignInProvider, IdentityProvider>()
  return (name) => {
    const provider = setup().signIn.get(name)
    if (provider === undefined) return undefined
    let client = known.get(provider)
    if (client === undefined) {
      // Those of an earlier configuration are of no use any more.
      for (const old of known.keys()) if (setup().signIn.get(old.name) !== old) known.delete(old)
      const redirectUri = setup().issuer + CALLBACK_PATH + name
      client = createIdentityProvider({ ...options, provider, redirectUri })
      known.set(provider, client)
    }
    return client
  }
}
