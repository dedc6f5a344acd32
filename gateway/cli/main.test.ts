import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runVerb } from '../testkit/run-verb.ts'
import { run } from './main.ts'

const POLICY_VERBS = [
  'policy check',
  'policy test',
  'policy explain',
  'policy diff',
  'policy shadow-report',
  'policy learn',
]

/** Runs the command; returns its exit code and what it printed. */
async function gatehouse(...args: readonly string[]) {
  return await runVerb((io) => run(args, io))
}

/** The uses listed in a text, one row each. */
function uses(text: string): readonly string[] {
  return Array.from(text.matchAll(/^ {2}(\S+(?: [a-z][a-z-]*)*)/gm), ([, use]) => use!)
}

test('the first word of several verbs alone is wrong use, and lists its verbs only', async () => {
  for (const [word, verbs] of [
    ['policy', POLICY_VERBS],
    ['audit', ['audit verify']],
    ['pins', ['pins list', 'pins accept']],
    ['keys', ['keys new']],
    ['apikeys', ['apikeys new']],
  ] as const) {
    const { code, out, err } = await gatehouse(word)
    assert.deepEqual([code, out, uses(err)], [2, '', verbs])
    assert.match(
      err,
      new RegExp(`^gatehouse ${word}: name a verb\n\nUsage: gatehouse ${word} VERB`),
    )
  }
})

test('a verb that is not there is named, with those that are', async () => {
  const { code, err } = await gatehouse('policy', 'tset', 'x.yaml')
  assert.equal(code, 2)
  assert.match(err, /^gatehouse policy: unknown verb 'tset'\n/)
  assert.deepEqual(uses(err), POLICY_VERBS)
})

test('an option that is not there is named, with the one that was meant', async () => {
  for (const [args, told] of [
    [
      ['policy', 'explain', '--groups', 'staff'],
      'there is no option --groups; did you mean --group?',
    ],
    [['check', '-z'], 'there is no option -z'],
  ] as const) {
    const { code, err } = await gatehouse(...args)
    assert.equal(code, 2)
    assert.equal(err.split(': ').slice(1).join(': '), told)
  }
})

test('help for the first word is no mistake', async () => {
  const { code, out, err } = await gatehouse('policy', '--help')
  assert.deepEqual([code, err, uses(out)], [0, '', POLICY_VERBS])
})

test('an unknown command is wrong use, and lists every command', async () => {
  const { code, out, err } = await gatehouse('polciy')
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /^gatehouse: unknown command 'polciy'\n/)
  assert.equal(uses(err).length, uses((await gatehouse('--help')).out).length)
})

test('every command says how it is used in the same way', async () => {
  const { out } = await gatehouse('--help')
  for (const use of uses(out)) {
    const help = await gatehouse(...use.split(' '), '--help')
    assert.deepEqual([help.code, help.err], [0, ''])
    assert.ok(help.out.startsWith(`Usage: gatehouse ${use}`), help.out)
  }
})
