/** Whether a request proves that it comes from whom its token was issued to (RFC 9449). */
import { createHash } from 'node:crypto'

import { PROOF_WINDOW_SECONDS, verifyProof } from '../oauth/verify-proof.ts'
import type { ProvenRequest } from '../oauth/verify-proof.ts'

/** Why a proof does not count. `replay_unknown`: whether it came before cannot be said right now. */
export type ProofFault = 'bad_proof' | 'replay_unknown'

export type Proofs = {
  /** Returns what is wrong with a proof; undefined when it is right and new. Never rejects. */
  check(
    proof: string | undefined,
    request: Omit<ProvenRequest, 'nowSeconds'>,
  ): Promise<ProofFault | undefined>
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

export function createProofs({ now, isNew }: ProofsOptions): Proofs {
  return {
    check: async (proof, request) => {
      if (proof === undefined) return 'bad_proof'
      const verified = await verifyProof(proof, { ...request, nowSeconds: now() / 1_000 })
      if (!verified.ok) return 'bad_proof'
      try {
        const name = JSON.stringify([request.thumbprint, verified.id])
        const key = createHash('sha256').update(name).digest('base64url')
        return (await isNew(key, NOTED_MS)) ? undefined : 'bad_proof'
      } catch {
        return 'replay_unknown'
      }
    },
  }
}
