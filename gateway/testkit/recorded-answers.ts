/** Everything that clients and browsers of a test are answered with, since all of them fetch with the same function. */

export type RecordedAnswers = {
  /** Status, headers (redirect targets among them) and as much of the bodies as has come. */
  text(): string
  /** Puts the function back. */
  stop(): void
}

/** Records answers of this origin from now on. */
export function recordAnswers(origin: string): RecordedAnswers {
  const real = globalThis.fetch
  const parts: string[] = []
  globalThis.fetch = async (input, init) => {
    const answer = await real(input, init)
    if (answer.url.startsWith(`${origin}/`)) {
      parts.push(JSON.stringify([answer.status, ...answer.headers]))
      void record(answer.clone(), parts)
    }
    return answer
  }
  return {
    text: () => parts.join('\n'),
    stop: () => void (globalThis.fetch = real),
  }
}

/** Whoever gives up a stream ends its copy too; what was read until then is there. */
async function record({ body }: Response, parts: string[]): Promise<void> {
  const at = parts.push('') - 1
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body ?? []) parts[at] += decoder.decode(chunk, { stream: true })
  } catch {
    return
  }
}
