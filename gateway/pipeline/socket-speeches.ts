/**
 * The messages of one WebSocket as visits of their own: each begins with a record, is judged, and ends
 * finished or refused. What `initialize` settled is kept here, since it counts for every message after it.
 */
import type { Message } from '../mcp/message.ts'
import { SUPPORTED_VERSIONS } from '../mcp/versions.ts'
import type { Caller } from '../model/caller.ts'
import type { Journey } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { emptyHead, type Head } from './admit.ts'
import type { Desk, JudgeDesk } from './desk.ts'
import { judge } from './judge.ts'
import { hearsCompletion } from './link-answer.ts'
import type { LookUpBudget } from './look-up-budget.ts'
import { noteRefusal, refuseMessage } from './refuse.ts'
import { type AskServer, createSocketLookUp } from './socket-look-up.ts'
import type { Visit } from './visit.ts'

export type SpeechesOptions = {
  /** Whose connection it is; one that is renewed has a newer caller from then on. */
  readonly caller: Caller
  /** What is in force now: a reload counts from the next message on. */
  readonly desk: () => Desk
  readonly server: () => McpServer
  /** The record of one message, with the caller and the server in it. */
  readonly newJourney: () => Journey
  readonly budget: LookUpBudget
  readonly toClient: (message: Uint8Array | string) => void
}

/** A message as a visit, with what refusing and finishing it need. */
export type Speech = Pick<Visit, 'journey' | 'gone' | 'occupies' | 'declared'> & {
  readonly head: Head
  readonly server: McpServer
}

/** Those of one connection, from its opening to its end. */
export class Speeches {
  readonly #options: SpeechesOptions
  readonly #ask: AskServer
  #judging: { readonly desk: Desk; readonly own: JudgeDesk } | undefined
  #version: string | undefined
  #declared: Visit['declared']

  /** @param ask Sends requests of our own, for names that no list has shown yet. */
  constructor(options: SpeechesOptions, ask: AskServer) {
    this.#options = options
    this.#ask = ask
  }

  /** Whether its client can be told that a person is done with a page it was sent to. */
  get hearsCompletion(): boolean {
    return hearsCompletion(this.#version, this.#declared)
  }

  /** @param bytesIn Of the client's message; 0 for one of the server. */
  begin(bytesIn: number): Speech {
    const journey = this.#options.newJourney()
    journey.bytesIn = bytesIn
    // Stands for the headers that HTTP would carry on each request of the session.
    const head = { ...emptyHead(), protocolVersion: this.#version }
    const [server, declared] = [this.#options.server(), this.#declared]
    return { journey, gone: false, occupies: undefined, declared, head, server }
  }

  /** @throws {Refusal} when the message may not pass. */
  async judge(message: Message, speech: Speech, direction: 'up' | 'down'): Promise<Permit> {
    const desk = this.#deskToJudge()
    const from = desk.tick()
    try {
      const content = { kind: 'message', message } as const
      return await judge({ seat: speech, direction, content }, this.#options.caller, desk)
    } finally {
      speech.journey.spentMs.judge += desk.tick() - from
    }
  }

  /** The client has said in `initialize` what it can be asked. */
  declare({ declared }: Speech): void {
    this.#declared = declared
  }

  /** The server has agreed to this version; one that we do not serve is not kept. */
  agree(version: string | undefined): void {
    if (version !== undefined && SUPPORTED_VERSIONS.includes(version)) this.#version = version
  }

  /**
   * Tells the client the refusal and ends the record.
   *
   * @param id Of the request, as its bytes read; undefined where the answer can name none.
   */
  refuse(error: unknown, speech: Speech, id: string | undefined): void {
    const noted = noteRefusal(error, speech)
    const { code, extra } = noted
    const refusal = id === undefined ? noted : new Refusal(code, { ...extra, id })
    const text = refuseMessage(refusal, speech, this.#options.desk())
    speech.journey.bytesOut = Buffer.byteLength(text)
    this.#options.toClient(text)
    this.finish(speech)
  }

  /**
   * Ends the record; nobody is told.
   *
   * @param error Why the message was not passed on.
   */
  finish(speech: Speech, error?: unknown): void {
    if (error !== undefined) {
      noteRefusal(error, speech)
      if (speech.journey.ending === 'complete') speech.journey.ending = 'refused'
    }
    this.#options.desk().finish(speech)
  }

  /** The desk, with look-ups on this connection instead of over HTTP. */
  #deskToJudge(): JudgeDesk {
    const desk = this.#options.desk()
    if (this.#judging?.desk !== desk) {
      const { catalogue, pins, tick } = desk
      const { caller, server, budget } = this.#options
      const spend = (): void => budget.spend(caller, server().name)
      const lookUp = createSocketLookUp({ ask: this.#ask, catalogue, pins, spend, tick })
      this.#judging = { desk, own: { ...desk, lookUp } }
    }
    return this.#judging.own
  }
}
