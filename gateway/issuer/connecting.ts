/**
 * Connecting accounts in the visit in which a person allows a client: after the decision the browser is
 * led to the page of each account that is needed and not connected, one after the other, and then to the
 * client. Each page has a number, and every way out of it leads to a higher one or was chosen by the
 * person, so nothing goes round by itself. The decision is kept with the authorization meanwhile, and
 * that belongs to the browser it was begun in.
 */
import type { NeededAccount } from '../model/needed-account.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import type { Ask } from './ask.ts'
import { formTargets, notYours } from './ask.ts'
import type { Allowed } from './consents.ts'
import type { Question, QuestionOptions } from './question.ts'
import { asCaller, readQuestion } from './question.ts'
import { PAGES_PATH, STEP } from './routes.ts'
import type { Setup } from './setup.ts'

/** The accounts that the servers work with on which something was chosen, in an order that stays. */
export async function neededFor(
  question: Question,
  chosen: Allowed,
  setup: Setup,
): Promise<readonly NeededAccount[]> {
  const wanted = [...question.asked.keys()].flatMap(({ name, resource }) => {
    const scopes = chosen[resource] ?? []
    return scopes.length === 0 ? [] : [{ server: name, caller: asCaller(question, scopes, setup) }]
  })
  return await setup.accountsFor(wanted)
}

/** Where the browser goes after the decision. */
export function afterDecision(ask: Ask, needed: readonly NeededAccount[]): string | undefined {
  return needed.every(({ isConnected }) => isConnected) ? undefined : stepOf(ask, 0)
}

/**
 * Makes the function that leads to the first account from `step` on which is not connected, and to the
 * client when there is none.
 */
export function createConnecting(options: QuestionOptions) {
  return async (ask: Ask, step: number): Promise<PageAnswer> => {
    const question = await readQuestion(ask, options)
    const { prompt, result, returnTo, uid } = ask.interaction
    if (question === undefined || prompt.name !== 'consent') return notYours()
    // Nothing was decided yet: that comes first.
    if (result === undefined) return redirectTo(PAGES_PATH + uid)
    const chosen = await chosenBefore(question, result.consent?.grantId, options)
    const needed = await neededFor(question, chosen, options.setup())
    const at = needed.findIndex(({ isConnected }, index) => index >= step && !isConnected)
    const account = needed[at]
    if (account === undefined) return redirectTo(returnTo)
    const detour = {
      next: stepOf(ask, at + 1),
      again: stepOf(ask, at),
      formTargets: [...formTargets(ask.interaction), ...options.setup().silentTargets],
    }
    return redirectTo(options.setup().connectAt(question.account.id, account, detour))
  }
}

/** What the person chose, as it stands in the grant; nothing where it was refused. */
async function chosenBefore(
  { asked }: Question,
  grantId: string | undefined,
  { provider }: QuestionOptions,
): Promise<Allowed> {
  const grant = grantId === undefined ? undefined : await provider().Grant.find(grantId)
  return Object.fromEntries(
    [...asked.keys()].map(({ resource }) => [
      resource,
      (grant?.getResourceScope(resource) ?? '').split(' ').filter((scope) => scope !== ''),
    ]),
  )
}

function stepOf({ interaction }: Ask, step: number): string {
  return `${PAGES_PATH}${interaction.uid}${STEP}${step}`
}
