/** Legacy sessions that stay open beside a load, each of another caller. */
import { Agent } from 'undici'
import { residentKb } from '../bench/measure/process-tree.ts'
import { callTool, endSession, initialize, initialized } from '../scenarios/asks.ts'
import type { Ask, Got } from '../scenarios/scenario.ts'
import { fetchOne } from './node-driver.ts'
import type { SessionsSeen } from './report.ts'
import type { RunningWorld } from './world.ts'

/** How their callers are named, before their number: nobody else is. */
const CALLER = 'session-caller-'

/** Sessions being opened or ended at a time. */
const AT_ONCE = 32

export type HeldSessions = {
  /** Each as `World.sessions` has it. */
  readonly names: readonly string[]
  /** Looks at the memory, then ends them all and calls in each once more. */
  end(): Promise<SessionsSeen>
}

type Held = { readonly token: string; readonly session: string }

/** Opens sessions, after as many calls without one: what the gateway needs for calls it has by then. */
export async function holdSessions(world: RunningWorld, count: number): Promise<HeldSessions> {
  const agent = new Agent({ connections: AT_ONCE, pipelining: 1 })
  const ask = (asked: Ask): Promise<Got> => fetchOne(asked, agent)
  const tokens = await Promise.all(
    Array.from({ length: count }, (_, at) => world.mint(`${CALLER}${at}`)),
  )
  const { pid } = world.gateway.child
  await forEach(tokens, async (_, at) => {
    await ask(callTool(world, { token: world.tokens[at % world.tokens.length] ?? '' }))
  })
  const kbBefore = residentKb([pid])
  const held: Held[] = []
  await forEach(tokens, async (token) => {
    const session = (await ask(initialize(world, { token }))).header('mcp-session-id')
    if (session === undefined) return
    const begun = initialized(world, { token, session })
    if (begun.isGood(await ask(begun))) held.push({ token, session })
  })
  return {
    names: held.map(({ token, session }) => `${token} ${session}`),
    end: async () => {
      const kbWith = residentKb([pid])
      let ended = 0
      await forEach(held, async (one) => {
        const end = endSession(world, one)
        const isEnded = end.isGood(await ask(end))
        const { status } = await ask(callTool(world, one))
        if (isEnded && status === 404) ended += 1
      })
      await agent.close()
      return { asked: count, opened: held.length, ended, kbBefore, kbWith }
    },
  }
}

/** Some at a time. */
async function forEach<Item>(
  items: readonly Item[],
  work: (item: Item, at: number) => Promise<void>,
): Promise<void> {
  const waiting = items.entries()
  const workOff = async (): Promise<void> => {
    for (const [at, item] of waiting) await work(item, at)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, workOff))
}
