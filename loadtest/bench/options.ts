/** The command line of the bench. */
import { parseArgs } from 'node:util'
import { parsePeer } from './variants/peer.ts'
import type { Peer } from './variants/peer.ts'

/** What `--help` prints. */
export const USAGE = `gateway/node loadtest/bench/main.ts [options]

  --quick           three short rounds, to try the bench itself; not for quoting
  --only A,B        measure only these variants (and going directly)
  --peer NAME=URL   measure another proxy in front of the stub too; NAME=URL,PID counts its
                    processor time and memory as well; may be repeated
  --realtime        real-time scheduling during the latency part (needs root)
  --seed N          order and arrivals of an earlier run
  --gate            exit 1 when a processor-time ratio is below its floor
  --json FILE       write everything measured to FILE
  --help            this text`

/** The command line, read. */
export type Options = {
  readonly quick: boolean
  readonly only: readonly string[] | undefined
  readonly peers: readonly Peer[]
  readonly realtime: boolean
  readonly seed: number
  readonly gate: boolean
  readonly json: string | undefined
  readonly help: boolean
}

/** @throws {Error} On anything it does not know. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peer: { type: 'string', multiple: true, default: [] },
      realtime: { type: 'boolean', default: false },
      seed: { type: 'string' },
      gate: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    ...values,
    only: values.only?.split(','),
    peers: values.peer.map(parsePeer),
    seed: values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed),
    json: values.json,
  }
}
