/** What a person reads who has to wait: as long as `Retry-After` says, in words. */
import type { PageAnswer } from '../pages/page.ts'
import { problemPage } from './error-page.ts'

export type WaitPage = {
  readonly status: number
  readonly title: string
  readonly text: string
  /** What to do after waiting, as it goes on after "then". */
  readonly next: string
  /** Whole seconds. */
  readonly retryAfterSeconds: number
}

/** A page that says how long to wait and what to do then, with `Retry-After` (RFC 9110 §10.2.3). */
export function waitPage({ next, retryAfterSeconds, ...problem }: WaitPage): PageAnswer {
  const page = problemPage({
    ...problem,
    advice: `Wait ${inWords(retryAfterSeconds)}, then ${next}.`,
  })
  return { ...page, headers: [...page.headers, 'retry-after', String(retryAfterSeconds)] }
}

/** Never less than it is: who comes back before that is turned away again. */
function inWords(seconds: number): string {
  if (seconds < 60) return seconds <= 1 ? 'a second' : `${seconds} seconds`
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return minutes === 1 ? 'a minute' : `${minutes} minutes`
  const hours = Math.ceil(minutes / 60)
  return hours === 1 ? 'an hour' : `${hours} hours`
}
