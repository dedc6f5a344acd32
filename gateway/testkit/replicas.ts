/**
 * Two gateway processes that share a key ring and nothing else, in front of one server. Each has its own
 * port, as behind a balancer that knows no affinity.
 */
import { randomBytes } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { TestGatehouse, TestGatehouseOptions, TokenOptions } from './gatehouse.ts'
import { ISSUER, startGatehouse } from './gatehouse.ts'

export type Replicas = {
  readonly first: TestGatehouse
  readonly second: TestGatehouse
  /** Public URL of the server `docs` at the first; clients are given this one. */
  readonly url: string
  /** Good at both. */
  token(options?: TokenOptions): Promise<string>
  /** `fetch` that sends each request to the other one than the request before it. */
  readonly alternate: typeof fetch
  /** How many requests `alternate` has sent to each. */
  readonly sent: { first: number; second: number }
  stop(): Promise<void>
}

/** A new entry of a key ring. */
export function ringEntry(id: string): string {
  return `${id}:${randomBytes(32).toString('base64url')}`
}

/** Starts both with one server called `docs`. @param entries The key ring, current key first. */
export async function startReplicas(
  entry: Readonly<Record<string, unknown>>,
  { rules, entries }: Pick<TestGatehouseOptions, 'rules'> & { readonly entries: readonly string[] },
): Promise<Replicas> {
  const keys = { keys: { file: 'ring' } }
  const files = { ring: entries.join('\n') }
  const first = await startGatehouse({ servers: { docs: entry }, rules, files, config: keys })
  const url = first.url('docs')
  const second = await startGatehouse({
    servers: { docs: { ...entry, audiences: [url] } },
    rules,
    files,
    config: {
      ...keys,
      issuers: [{ issuer: ISSUER, jwks: { keys: [first.signer.jwk] }, kind: 'agent' }],
    },
  })
  const sent = { first: 0, second: 0 }
  return {
    first,
    second,
    url,
    token: (options) => first.token('docs', options),
    sent,
    alternate: (to, init) => {
      const target = new URL(to instanceof Request ? to.url : to)
      const turn = sent.first > sent.second ? 'second' : 'first'
      sent[turn] += 1
      if (turn === 'second') target.port = new URL(second.origin).port
      return fetch(target, init)
    },
    stop: async () => void (await Promise.all([first.stop(), second.stop()])),
  }
}

/** Puts a key ring in place of a gateway's and has it read; resolves with what an operator is told. */
export async function turnKeys(
  gateway: TestGatehouse,
  entries: readonly string[],
): Promise<readonly string[]> {
  const file = join(gateway.directory, 'ring')
  await writeFile(`${file}.new`, entries.join('\n'))
  await rename(`${file}.new`, file)
  const { json } = await gateway.admin('POST', '/admin/reload')
  if (json['ok'] !== true) throw new Error(`the ring was not taken: ${JSON.stringify(json)}`)
  return (json['notices'] ?? []) as readonly string[]
}
