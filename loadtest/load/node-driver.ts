/** Drives a scenario from Node, for machines without k6. */
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Ask, Got, Scenario, World } from '../scenarios/scenario.ts'
import { type Answer, type Run, Tally } from './run.ts'

/** Connections to one origin. */
const CONNECTIONS = 128

/** An answer that takes longer is none, in milliseconds. */
const TIMEOUT_MS = 10_000

/** Of a bad answer's body, how much is shown. */
export const EXAMPLE_CHARS = 200

/** Visits are begun this often, in milliseconds, as many as are due. */
const STEP_MS = 10

export type DriveOptions = Pick<Scenario, 'perSecond' | 'seconds' | 'visit'> & {
  readonly world: World
}

/** Begins visits at a constant rate, whether or not earlier ones have ended; up to two seconds' worth at once. */
export async function drive(options: DriveOptions): Promise<Run> {
  const { perSecond, seconds, world, visit } = options
  const agent = new Agent({ connections: CONNECTIONS, pipelining: 1 })
  const tally = new Tally()
  const answers: Answer[] = []
  const open = new Set<Promise<void>>()
  const startTick = performance.now()
  const ask = async (asked: Ask): Promise<Got> => {
    const from = performance.now()
    const got = await fetchOne(asked, agent)
    const to = performance.now()
    answers.push({ second: Math.floor((to - startTick) / 1000), tookMs: to - from })
    tally.count(
      asked.name,
      asked.isGood(got),
      () => `${got.status} ${got.body.slice(0, EXAMPLE_CHARS)}`,
    )
    return got
  }
  const visitOnce = async (turn: number): Promise<void> => {
    const asks = visit(turn, world)
    let step = asks.next()
    while (step.done !== true) step = asks.next(await ask(step.value))
  }
  let turn = 0
  let notBegun = 0
  while (turn < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, (perSecond * (performance.now() - startTick)) / 1000)
    for (; turn < due; turn += 1) {
      if (open.size >= 2 * perSecond) {
        notBegun += 1
        continue
      }
      const begun = visitOnce(turn).finally(() => open.delete(begun))
      open.add(begun)
    }
    await pause(STEP_MS)
  }
  await Promise.all(open)
  await agent.close()
  return { answers, verdicts: tally.verdicts, notBegun }
}

const NOTHING: Got = { status: 0, body: '', header: () => undefined }

/** What was answered; nothing, with status 0, when that did not come whole in time. */
export async function fetchOne(
  { method, url, headers, body }: Ask,
  dispatcher: Agent,
): Promise<Got> {
  try {
    const response = await request(url, {
      method,
      headers,
      body: body ?? null,
      dispatcher,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    })
    const text = await response.body.text()
    const header = (name: string): string | undefined => {
      const value = response.headers[name]
      return Array.isArray(value) ? value[0] : value
    }
    return { status: response.statusCode, body: text, header }
  } catch (error) {
    return { ...NOTHING, body: String(error) }
  }
}
