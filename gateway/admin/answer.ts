/** An answer of the admin API. The body is JSON; an error's is `{error, message}`. */
export type AdminAnswer = {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** For the record only, never sent. */
  readonly detail?: string
}

/** Returns the answer for a request that was refused or failed; `fields` join the body. */
export function problem(
  status: number,
  error: string,
  message: string,
  more: {
    readonly detail?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly fields?: Readonly<Record<string, unknown>>
  } = {},
): AdminAnswer {
  const { detail = error, headers = {}, fields = {} } = more
  return { status, body: { error, message, ...fields }, headers, detail }
}
