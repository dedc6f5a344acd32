/**
 * Which of our sessions came of which session at an identity provider, for when the provider says that
 * its session has ended. Kept for as long as a browser may be signed in, and for as long as what was
 * allowed in it may last.
 */
import { hash } from 'node:crypto'

import type { Session, SourceSession } from '../sessions/sessions.ts'
import type { Rows } from './rows.ts'

/** One session of ours: what there is to end. */
export type Derived = {
  /** Public id. */
  readonly session: string
  /** Where its row is kept. */
  readonly key: string
  readonly subject: string
}

export type SourceSessions = {
  /** Remembers where a session came of; nothing for one that began here. The longer of two lives counts. */
  note(session: Pick<Session, 'id' | 'key' | 'subject' | 'source'>, lifeMs: number): Promise<void>
  /** What came of it; at most `MAX_LISTED` of them, and the rest once these are forgotten. */
  list(source: SourceSession): Promise<readonly Derived[]>
  forget(source: SourceSession, session: string): Promise<void>
}

export function createSourceSessions(
  rows: Pick<Rows, 'write' | 'list' | 'remove'>,
): SourceSessions {
  return {
    note: async ({ id: session, key, subject, source }, lifeMs) => {
      if (source === undefined) return
      const derived: Derived = { session, key, subject }
      await rows.write(areaOf(source), session, derived, lifeMs)
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `note`
    list: async (source) => (await rows.list(areaOf(source))) as readonly Derived[],
    forget: (source, session) => rows.remove(areaOf(source), session),
  }
}

function areaOf({ provider, id }: SourceSession): string {
  return `source-session/${hash('sha256', JSON.stringify([provider, id]), 'base64url')}`
}
