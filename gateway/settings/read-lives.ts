/** `authorization_server.lives`: how long tokens and what people allowed last, by the kind of the client. */
import type { Lives } from '../model/authorization-rules.ts'
import type { CallerKind } from '../model/caller.ts'
import type { Path } from '../model/problem.ts'
import type { AuthorizationServerFile, LivesFile } from './authorization-server-file.ts'
import type { Reading } from './reading.ts'
import { durationMs } from './units.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** Bounds of an access token: below, clients do nothing but refresh; above, revoking is all there is. */
const ACCESS_MS = { least: MINUTE_MS, most: 60 * MINUTE_MS, said: '1m to 1h' }

/** The others: below, nobody gets anything done; above, nothing is kept of what people allowed. */
const LONG_MS = { least: 5 * MINUTE_MS, most: 90 * DAY_MS, said: '5m to 90d' }

const REFRESH_TOKEN = '14d'

/** An application that people use shows them what they allowed; of an agent they are reminded. */
const SESSIONS: Readonly<Record<CallerKind, string>> = {
  human: '90d',
  agent: '30d',
  service: '30d',
}

/** The lives of every kind; what is out of bounds is reported. */
export function readLives(
  reading: Reading,
  at: Path,
  { access_token_life: access, lives }: AuthorizationServerFile,
): Readonly<Record<CallerKind, Lives>> {
  const general = [...at, 'access_token_life']
  const accessMs = within(reading, general, { text: access, bounds: ACCESS_MS })
  const livesOf = (kind: CallerKind): Lives => {
    const file: LivesFile = lives[kind]
    const read = (key: keyof LivesFile, otherwise: string, bounds: Bounds): number =>
      within(reading, [...at, 'lives', kind, key], { text: file[key] ?? otherwise, bounds })
    const isOwn = file.access_token !== undefined
    return {
      accessTokenSeconds: Math.floor(
        (isOwn ? read('access_token', access, ACCESS_MS) : accessMs) / 1_000,
      ),
      refreshTokenSeconds: read('refresh_token', REFRESH_TOKEN, LONG_MS) / 1_000,
      sessionSeconds: read('session', SESSIONS[kind], LONG_MS) / 1_000,
    }
  }
  return { human: livesOf('human'), agent: livesOf('agent'), service: livesOf('service') }
}

type Bounds = { readonly least: number; readonly most: number; readonly said: string }

function within(
  reading: Reading,
  path: Path,
  { text, bounds }: { readonly text: string; readonly bounds: Bounds },
): number {
  const ms = durationMs(text) ?? 0
  if (ms < bounds.least || ms > bounds.most) reading.report(path, `must be from ${bounds.said}`)
  return ms
}
