/** The words of whatever was thrown, for a log or for the operator; callers are told a `Refusal`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
