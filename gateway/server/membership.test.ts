import assert from 'node:assert/strict'
import { test } from 'node:test'

import { auditOf, listenOf, type Membership } from './membership.ts'

const audit = { mode: 'buffered', maxBuffered: 10, recordGroups: false } as const
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else of it is looked at
const member = { slot: 2, workers: 3 } as Membership

test('each worker has an audit file of its own, and one process keeps the name that is configured', () => {
  const named = (sink: string) => auditOf({ ...audit, sink }, member).sink
  assert.equal(named('/var/log/audit.jsonl'), '/var/log/audit.2.jsonl')
  assert.equal(named('/var/log.d/audit'), '/var/log.d/audit.2')
  assert.equal(named('stdout'), 'stdout')
  const alone = { ...audit, sink: '/var/log/audit.jsonl' }
  assert.equal(auditOf(alone, undefined), alone)
})

test('workers have equal parts of the connections, together at least what is configured', () => {
  const listen = {
    host: '127.0.0.1',
    port: 1,
    tls: undefined,
    front: 'node' as const,
    maxConnections: 100,
    drainSeconds: 1,
    maxInFlightPerCaller: 10,
    maxStreamsPerCaller: 10,
  }
  assert.equal(listenOf(listen, member).maxConnections, 34)
  assert.equal(listenOf(listen, undefined), listen)
})
