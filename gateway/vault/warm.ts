/**
 * What was made for a caller and a credential, kept as long as both. There is one caller object for each
 * verified token, so a token that leaves the token cache takes what was made for it along; a reload
 * makes new credential objects.
 */
import type { CallerCredential } from '../model/credential.ts'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import type { Found } from './found.ts'

/** What is kept: an answer, or that there is none for the moment. Epoch milliseconds. */
export type Held = { readonly found: Found | Refusal; readonly untilMs: number }

type Slot = { held: Held | undefined; running: Promise<Found> | undefined }

export type Warm = {
  /**
   * At once what is held, else what `make` makes, which runs once however many ask.
   *
   * @throws {Refusal} (or rejects with) what was held as a refusal.
   */
  get(
    caller: Caller,
    credential: CallerCredential,
    make: () => Promise<Held>,
  ): Found | Promise<Found>
  /** The same, but what is held is not good enough any more, if it is still `refused`. */
  renew(
    caller: Caller,
    credential: CallerCredential,
    options: { readonly refused: Found; readonly make: () => Promise<Held> },
  ): Promise<Found>
}

/** @param now Epoch milliseconds. */
export function createWarm(now: () => number): Warm {
  const slots = new WeakMap<Caller, WeakMap<CallerCredential, Slot>>()

  const slotOf = (caller: Caller, credential: CallerCredential): Slot => {
    let own = slots.get(caller)
    if (own === undefined) slots.set(caller, (own = new WeakMap()))
    let slot = own.get(credential)
    if (slot === undefined) own.set(credential, (slot = { held: undefined, running: undefined }))
    return slot
  }
  const run = (slot: Slot, make: () => Promise<Held>): Promise<Found> => {
    slot.running ??= make()
      .then((held) => {
        slot.held = held
        return reveal(held)
      })
      .finally(() => (slot.running = undefined))
    return slot.running
  }
  return {
    get(caller, credential, make) {
      const slot = slotOf(caller, credential)
      const { held } = slot
      return held !== undefined && now() < held.untilMs ? reveal(held) : run(slot, make)
    },
    renew(caller, credential, { refused, make }) {
      const slot = slotOf(caller, credential)
      const { held } = slot
      // Another call that was refused may have renewed it already.
      const isFresh = held !== undefined && held.found !== refused && now() < held.untilMs
      return isFresh ? Promise.resolve(held).then(reveal) : run(slot, make)
    },
  }
}

function reveal({ found }: Held): Found {
  if (found instanceof Refusal) throw new Refusal(found.code, found.extra)
  return found
}
