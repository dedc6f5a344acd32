/** What `/readyz` says: whether to send traffic here, and everything an operator should look at. */

export type Readiness = {
  readonly ready: boolean
  readonly draining: boolean
  readonly checks: Readonly<Record<string, Check>>
}

/** `warn` is shown but does not take the process out of service. */
export type Check = { readonly state: 'ok' | 'warn' | 'fail'; readonly detail?: string }

export function judgeReadiness(
  checks: Readonly<Record<string, Check>>,
  draining: boolean,
): Readiness {
  const failed = Object.values(checks).some((check) => check.state === 'fail')
  return { ready: !draining && !failed, draining, checks }
}
