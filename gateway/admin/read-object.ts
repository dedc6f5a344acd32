/** Reads the JSON object that a body of the admin API is. */
import type { Members } from '../oauth/strict-json.ts'
import { readJsonObject } from '../oauth/strict-json.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'

/** Characters of a body. The longest one that is valid has about a fifth. */
const MAX_BODY_CHARS = 16_384

/** What a body holds, or why it is refused. */
export type ReadObject = { readonly members: Members } | { readonly refused: AdminAnswer }

/**
 * A body that is longer than the port takes, or than `MAX_BODY_CHARS`, is refused with 413; one that says something
 * twice with 400, as whoever wrote or checked it may have meant the other one. Rejects when it breaks off.
 */
export async function readObject(body: () => Promise<string>): Promise<ReadObject> {
  const text = await readText(body)
  if (text === undefined || text.length > MAX_BODY_CHARS) {
    const message = `a body must not exceed ${MAX_BODY_CHARS} characters`
    return { refused: problem(413, 'too_large', message) }
  }
  const members = readJsonObject(Buffer.from(text))
  if (members !== undefined) return { members }
  return { refused: problem(400, 'invalid', 'the body must be a JSON object without a name twice') }
}

/** The text of a body; undefined when the port says that it is too long. */
async function readText(body: () => Promise<string>): Promise<string | undefined> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
