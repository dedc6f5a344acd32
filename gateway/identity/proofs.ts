/** Whether a request proves that it comes from whom its token was issued to (RFC 9449). */
import { createHash } from 'node:crypto'

import { PROOF_WINDOW_SECONDS, verifyProof } from '../oauth/verify-proof.ts'
import type { ProvenRequest } from '../oauth/verify-proof.ts'

/** Why a proof does not count. `replay_unknown`: whether it came before cannot be said right now. */
export type ProofFault = 'bad_proof' | 'replay_unknown'

/** With the thumbprint of the key it was made with. */
export type CheckedProof =
  | { readonly ok: true; readonly thumbprint: string }
  | { readonly ok: false; readonly fault: ProofFault }

export type Proofs = {
  /**
   * Returns whether a proof is right and new.
   *
   * @param makeRoom Called before one that is right is noted; returns what gives the room back. Rejects with what
   *   this throws, and with nothing else.
   */
  check(
    proof: string | undefined,
    request: Omit<ProvenRequest, 'nowSeconds'>,
    makeRoom?: () => () => void,
  ): Promise<CheckedProof>
}

export type ProofsOptions = {
  /** Epoch milliseconds. */
  readonly now: () => number
  /**
   * Notes this text on all replicas for that many milliseconds; false when it is noted already. Rejects
   * when that cannot be said.
   */
  readonly isNew: (text: string, ttlMs: number) => Promise<boolean>
}

/** A proof is accepted so long at most: from the earliest clock to the latest. */
const NOTED_MS = 2 * PROOF_WINDOW_SECONDS * 1_000

const BAD_PROOF = { ok: false, fault: 'bad_proof' } as const

export function createProofs({ now, isNew }: ProofsOptions): Proofs {
  return {
    check: async (proof, request, makeRoom) => {
      if (proof === undefined) return BAD_PROOF
      const verified = await verifyProof(proof, { ...request, nowSeconds: now() / 1_000 })
      if (!verified.ok) return BAD_PROOF
      const { thumbprint, id } = verified
      const giveBack = makeRoom?.()
      try {
        const name = JSON.stringify([thumbprint, id])
        const key = createHash('sha256').update(name).digest('base64url')
        if (await isNew(key, NOTED_MS)) return { ok: true, thumbprint }
        giveBack?.()
        return BAD_PROOF
      } catch {
        return { ok: false, fault: 'replay_unknown' }
      }
    },
  }
}
