/** The way from a visit to the connect pages and back. */
import { Refusal } from '../model/refusal.ts'
import { admit } from '../pipeline/admit.ts'
import type { Desk } from '../pipeline/desk.ts'
import { noteRefusal, refuse } from '../pipeline/refuse.ts'
import type { Visit } from '../pipeline/visit.ts'
import { headerOf } from './header-of.ts'
import type { Vault } from './vault.ts'

/** A form of ours has one field. */
const MAX_FORM_BYTES = 16_384

/** Whether this target is a connect page. */
export function isConnectTarget(target: string, { path }: Vault): boolean {
  return path !== undefined && (target === path || target.startsWith(`${path}/`))
}

/**
 * Serves one such visit to its end. Never rejects.
 *
 * @param host The authority of the public URL; pages are shown there and nowhere else.
 */
export async function openConnectDoor(
  visit: Visit,
  options: { readonly desk: Desk; readonly vault: Vault; readonly host: string },
): Promise<void> {
  const { desk, vault, host } = options
  try {
    const head = admit(visit)
    visit.head = head
    if (head.host?.toLowerCase() !== host) throw new Refusal('misdirected')
    const answer = await vault.desk({
      method: visit.httpMethod,
      target: visit.target.slice(vault.path?.length),
      cookie: headerOf(visit, 'cookie'),
      origin: head.origin,
      fetchSite: headerOf(visit, 'sec-fetch-site'),
      form: async () => {
        const bytes = await visit.body(MAX_FORM_BYTES)
        return new URLSearchParams(Buffer.from(bytes).toString('utf8'))
      },
    })
    const { status, headers, body } = answer
    await visit.reply({ status, headers, body: { kind: 'whole', bytes: body } })
  } catch (error) {
    await visit.reply(refuse(noteRefusal(error, visit), visit, desk))
  } finally {
    desk.finish(visit)
  }
}
