/**
 * What the messages of an array take: budgets, uses of grants, approvals. Each takes its own when it is judged,
 * so that the next one finds what is left; where one of them is refused none of them goes up, and all of it is
 * given back.
 */
import type { OverBudget } from '../limits/budgets.ts'
import type { JudgeDesk } from './desk.ts'

export type Till = {
  /** The desk to judge the messages at. */
  readonly desk: JudgeDesk
  /** Gives back all that was taken there. What cannot be given back, while the store is away, is lost. */
  giveBack(): Promise<void>
}

export function openTill(desk: JudgeDesk): Till {
  const { budgets, grants, approvals, tick } = desk
  const taken: (() => void | Promise<void>)[] = []
  return {
    desk: {
      ...desk,
      budgets: budgets && {
        ...budgets,
        spend(purchase) {
          const note = (over: OverBudget | undefined): OverBudget | undefined => {
            if (over === undefined) taken.push(() => budgets.giveBack(purchase, tick()))
            return over
          }
          const over = budgets.spend(purchase)
          return over instanceof Promise ? over.then(note) : note(over)
        },
      },
      grants: {
        ...grants,
        // It is another one after every change.
        get book() {
          return grants.book
        },
        async use(rule, caller) {
          const grant = await grants.use(rule, caller)
          if (grant !== undefined) taken.push(() => grants.giveBack(grant))
          return grant
        },
      },
      approvals: {
        ...approvals,
        get any() {
          return approvals.any
        },
        async spend(spent) {
          const all = await approvals.spend(spent)
          if (all) taken.push(() => approvals.giveBack(spent))
          return all
        },
      },
    },
    async giveBack() {
      for (const give of taken.splice(0).toReversed()) {
        try {
          await give()
        } catch {
          // The call is refused either way, and what is lost can be had again.
        }
      }
    },
  }
}
