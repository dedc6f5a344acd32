/** Lives for tests: the same for every kind, but for what is said. */
import type { Lives } from '../model/authorization-rules.ts'
import type { CallerKind } from '../model/caller.ts'

export function livesOf(
  more: Partial<Record<CallerKind, Partial<Lives>>> = {},
): Readonly<Record<CallerKind, Lives>> {
  const lives = {
    accessTokenSeconds: 300,
    refreshTokenSeconds: 1_209_600,
    sessionSeconds: 2_592_000,
  }
  return {
    human: { ...lives, ...more.human },
    agent: { ...lives, ...more.agent },
    service: { ...lives, ...more.service },
  }
}
