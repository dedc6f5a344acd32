import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkAnswer } from '../pipeline/link-answer.ts'
import { createMemoryStore } from '../state/memory.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { hearLinkEnds, type LinkEnd, tellLinkEnd } from './link-ends.ts'

const URL = 'https://gw.test/approve/AAAAAAAAAAAAAAAAAAAAAA'

/** What those who hear are told, each by its place, once a link has ended. */
function told(end: Partial<LinkEnd> = {}): readonly string[] {
  const store = createMemoryStore({ now: () => 0 })
  const caller = testCaller()
  const said: string[] = []
  const hearers = [caller, caller, { ...caller, client: 'other' }].map((who, at) => ({
    caller: who,
    server: 'docs',
    address: '',
    tell: () => undefined,
    complete: at === 0 ? undefined : (id: string) => void said.push(`${at} ${id}`),
  }))
  const stop = hearLinkEnds(store, () => hearers)
  tellLinkEnd({ ...caller, server: 'docs', url: URL, ...end }, store)
  stop()
  tellLinkEnd({ ...caller, server: 'docs', url: URL, ...end }, store)
  return said
}

test('the client that was sent to a page is told by the id it was given, and no other is', () => {
  const call = { era: 'legacy', method: 'tools/call' } as const
  const link = { url: URL, message: 'm', purpose: 'approve' }
  const declared = ['elicitation_url'] as const
  const answer = linkAnswer({ link, call, id: '1', declared, state: () => '' })
  const id = /"elicitationId":"([\w-]{43})"/.exec(answer ?? '')?.[1]
  assert.deepEqual(told(), [`1 ${id}`])
  for (const other of [
    { server: 'db' },
    { tenant: 'x' },
    { issuer: 'x' },
    { subject: 'x' },
    { client: '' },
  ]) {
    assert.deepEqual(told(other), [])
  }
})

test('another link is another elicitation', () => {
  assert.notDeepEqual(told({ url: `${URL}x` }), told())
})
