/** A session without sockets: what each side gets is written down. */
import type { Journey } from '../model/journey.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Desk } from '../pipeline/desk.ts'
import { createLookUpBudget } from '../pipeline/look-up-budget.ts'
import { SocketSession } from '../pipeline/socket-session.ts'
import { testCaller, testDesk, testJourney, testServer } from './pipeline.ts'

export type TestSession = {
  readonly session: SocketSession
  /** Parsed messages, oldest first. */
  readonly toClient: Said[]
  readonly toServer: Said[]
  /** The bytes of the same. */
  readonly raw: { readonly client: string[]; readonly server: string[] }
  readonly finished: Journey[]
  /** Places taken and not given back. */
  readonly places: { count: number; max: number }
  readonly clock: { tick: number }
  readonly events: string[]
  up(message: unknown): Promise<void>
  down(message: unknown): Promise<void>
}

export type Said = {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

export function testSession(
  rules: readonly Readonly<Record<string, unknown>>[],
  over: Partial<McpServer> = {},
  parts: Partial<Desk> = {},
): TestSession {
  const raw = { client: [] as string[], server: [] as string[] }
  const toClient: Said[] = []
  const toServer: Said[] = []
  const finished: Journey[] = []
  const events: string[] = []
  const places = { count: 0, max: 100 }
  const clock = { tick: 0 }
  const say = (said: Said[], texts: string[]) => (message: Uint8Array | string) => {
    const text = Buffer.from(message).toString()
    texts.push(text)
    said.push(JSON.parse(text) as Said)
  }
  const desk = {
    ...testDesk(rules),
    tick: () => clock.tick,
    inFlight: {
      take: () => {
        if (places.count >= places.max) throw new Refusal('rate_limited')
        places.count += 1
      },
      giveBack: () => undefined,
    },
    emit: ({ type }: { readonly type: string }) => events.push(type),
    metadataUrl: () => '',
    scopesOf: () => [],
    finish: ({ journey, occupies }: Parameters<Desk['finish']>[0]) => {
      if (occupies !== undefined) places.count -= 1
      finished.push(journey)
    },
    ...parts,
  } as unknown as Desk
  const upstream = { ...testServer().upstream, transport: 'websocket' as const }
  const server = testServer({ upstream, ...over })
  const session = new SocketSession({
    caller: testCaller(),
    budget: createLookUpBudget(() => clock.tick),
    desk: () => desk,
    server: () => server,
    newJourney: () => ({ ...testJourney(), caller: testCaller() }),
    toClient: say(toClient, raw.client),
    toServer: say(toServer, raw.server),
  })
  const bytesOf = (message: unknown): Uint8Array =>
    Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
  return {
    session,
    toClient,
    toServer,
    raw,
    finished,
    places,
    clock,
    events,
    up: (message) => session.up(bytesOf(message)),
    down: (message) => session.down(bytesOf(message)),
  }
}
