/** A visit that a person interrupts to connect an account, as paths of ours that lead back into it. */
export type Detour = {
  /** Goes on without asking for this account again. */
  readonly next: string
  /** Asks for this account again. */
  readonly again: string
  /** Where the visit may lead in the end, for the policy of pages with forms: origins or schemes. */
  readonly formTargets: readonly string[]
}
