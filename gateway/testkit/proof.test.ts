import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProof, formatProofs, readProofs } from './proof.ts'

const PROOFS = [
  { what: 'bodies, against six readers', cases: 1_000_000, seed: 7 },
  { what: 'answers cut at every byte', cases: 16_040, seed: undefined },
]

test('what a test says of its proof is read back from the output of a suite', () => {
  const output = `✔ one (1 ms)\n${PROOFS.map(formatProof).join('\nℹ pass 3\n')}\n`
  assert.deepEqual(readProofs(output), PROOFS)
})

test('what only mentions a proof is none', () => {
  for (const line of [
    'proof: of nothing',
    ' proof: x, 7 cases, seed 1',
    'proof: x, 7 cases, seed x',
  ]) {
    assert.deepEqual(readProofs(`${line}\n`), [])
  }
})

test('the table has a line for each proof, with its cases and its seed', () => {
  assert.equal(
    formatProofs(PROOFS),
    [
      'proven                           cases  seed',
      'bodies, against six readers  1,000,000  7',
      'answers cut at every byte       16,040',
    ].join('\n'),
  )
})
