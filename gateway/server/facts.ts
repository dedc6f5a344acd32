import type { Catalogue } from '../pipeline/catalogue.ts'
import type { Facts } from '../policy/occasion.ts'
import type { GrantBook } from '../registry/grants.ts'

/**
 * What rules may ask about, answered from these grants and from what lists have shown. Approvals belong to
 * one call, and are not here.
 */
export function factsOf(book: () => GrantBook, catalogue: Pick<Catalogue, 'traits'>): Facts {
  return {
    grant: (rule, caller) => {
      const grant = book().find(rule, caller)
      if (grant === undefined) return 'none'
      return grant.usedUp ? 'used_up' : 'live'
    },
    approved: () => false,
    traits: catalogue.traits,
  }
}
