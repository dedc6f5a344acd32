/** The pages on which people approve calls: where they are, and what of a visit they need. */
import type { Door } from '../approvals/door.ts'
import { createDoor, MAX_FORM_BYTES } from '../approvals/door.ts'
import { SIGN_IN_PATH } from '../issuer/routes.ts'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import { hostCookie, SESSION_COOKIE } from '../pages/cookies.ts'
import { admit } from '../pipeline/admit.ts'
import type { Desk } from '../pipeline/desk.ts'
import { noteRefusal, refuse } from '../pipeline/refuse.ts'
import type { Visit } from '../pipeline/visit.ts'
import type { Ask } from '../registry/approval.ts'
import type { Settings } from '../settings/settings.ts'
import { headerOf } from './header-of.ts'
import { tellLinkEnd } from './link-ends.ts'
import { createLiveSessions } from './live-sessions.ts'
import type { Plant } from './plant.ts'

/** The way to these pages and back. */
export type ApprovalDoor = {
  /** The address of the page of a request. */
  readonly urlOf: (id: string) => string
  /** Whether a request target is one of these pages. */
  readonly covers: (target: string) => boolean
  /** Serves one visit to its end. Never rejects. */
  readonly serve: (visit: Visit, desk: Desk) => Promise<void>
}

export type ApprovalDoorOptions = {
  readonly settings: Pick<Settings, 'publicUrl' | 'apiKeys' | 'authorizationServer'>
  readonly plant: Pick<Plant, 'approvals' | 'emit' | 'now' | 'revocations' | 'store'>
  readonly signIn: (apiKey: string, address: string) => Caller | undefined
  readonly open: (id: string, sealed: string) => string | undefined
}

/** Makes them for one configuration. */
export function createApprovalDoor(options: ApprovalDoorOptions): ApprovalDoor {
  const { plant, settings } = options
  const base = settings.publicUrl.replace(/\/$/, '')
  const { origin, pathname, host, protocol } = new URL(`${base}/approve/`)
  const urlOf = (id: string): string => `${base}/approve/${id}`
  const door = createDoor({
    origin,
    cookie: hostCookie(SESSION_COOKIE, protocol === 'https:'),
    sessions: createLiveSessions(plant, { apiKeys: settings.apiKeys }),
    approvals: {
      read: plant.approvals.read,
      decide: async (id, verdict) => {
        const ask = await plant.approvals.decide(id, verdict)
        if (ask !== undefined && isSettled(ask)) {
          tellLinkEnd({ ...ask.call, url: urlOf(id) }, plant.store)
        }
        return ask
      },
    },
    open: options.open,
    signIn: options.signIn,
    // Whether people can sign in at an authorization server of our own.
    signInAt:
      settings.authorizationServer &&
      ((path) => `${SIGN_IN_PATH}?back=${encodeURIComponent(path)}`),
    emit: plant.emit,
  })
  return {
    urlOf,
    covers: (target) => target.startsWith(pathname),
    serve: (visit, desk) => serve(visit, desk, { door, host, pathname }),
  }
}

/** Whether nobody has to decide anything any more. */
function isSettled({ needs }: Ask): boolean {
  const isDenied = needs.some(({ state }) => state === 'denied')
  return isDenied || needs.every(({ state }) => state !== 'waiting')
}

type Place = { readonly door: Door; readonly host: string; readonly pathname: string }

async function serve(visit: Visit, desk: Desk, { door, host, pathname }: Place): Promise<void> {
  try {
    const head = admit(visit)
    visit.head = head
    if (head.host?.toLowerCase() !== host) throw new Refusal('misdirected')
    const [path = ''] = visit.target.split('?', 1)
    const { status, headers, body } = await door({
      method: visit.httpMethod,
      id: path.slice(pathname.length),
      path,
      cookie: headerOf(visit, 'cookie'),
      origin: head.origin,
      fetchSite: headerOf(visit, 'sec-fetch-site'),
      contentType: head.contentType,
      address: visit.journey.address,
      body: async () => Buffer.from(await visit.body(MAX_FORM_BYTES)).toString('utf8'),
    })
    await visit.reply({ status, headers, body: { kind: 'whole', bytes: body } })
  } catch (error) {
    await visit.reply(refuse(noteRefusal(error, visit), visit, desk))
    // What happens on the pages has records of its own; a refusal has this one.
    desk.finish(visit)
  }
}
