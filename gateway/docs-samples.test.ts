/** What readers copy from the documents, run as they would run it. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './cli/main.ts'

const ROOT = join(import.meta.dirname, '..')

/** The fenced YAML blocks of a text, indentation of the list they stand in taken off. */
function samples(markdown: string): readonly string[] {
  return Array.from(
    markdown.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms),
    ([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
}

/** Runs a command on these files, which are in a folder of their own for so long. */
async function runOn(files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-docs-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const lines: string[] = []
    const say = (line: string): number => lines.push(line)
    const last = join(folder, args.at(-1) ?? '')
    const code = await run([...args.slice(0, -1), last], { out: say, err: say, env: {} })
    return { code, output: lines.join('\n') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const policy = readFileSync(join(ROOT, 'docs/policy.md'), 'utf8')
const examples = policy.split(/^## Example: /m).slice(1)

test('the configuration and the policy of the README are valid together, without a warning', async () => {
  const [config = '', rules = '', ...others] = samples(readme)
  assert.deepEqual(others, [])
  const [operated = ''] = /^`ops: .*`(?= in `gatehouse.yaml`)/m.exec(readme) ?? []
  assert.notEqual(operated, '')
  const files = {
    'gatehouse.yaml': `${config}${operated.slice(1, -1)}\n`,
    'policy.yaml': rules,
    'admin-token': randomBytes(32).toString('hex'),
  }
  const { code, output } = await runOn(files, 'check', '-c', 'gatehouse.yaml')
  assert.equal(code, 0, output)
  assert.doesNotMatch(output, /warning/i)
})

test('docs/policy.md has three examples, each a policy and its cases', () => {
  assert.deepEqual(
    examples.map((example) => samples(example).length),
    [2, 2, 2],
  )
})

for (const example of examples) {
  const [title = ''] = example.split('\n')
  const [rules = '', cases = ''] = samples(example)

  test(`the cases of the example "${title}" hold`, async () => {
    const files = { 'example.yaml': rules, 'example.cases.yaml': cases }
    const { code, output } = await runOn(files, 'policy', 'test', 'example.yaml')
    assert.equal(code, 0, output)
  })

  test(`every rule of the example "${title}" is held by a case`, async () => {
    const [head = '', ...parts] = rules.split(/^(?= {2}- id: )/m)
    for (const part of parts) {
      const less = [head, ...parts.filter((other) => other !== part)].join('')
      const files = { 'example.yaml': less, 'example.cases.yaml': cases }
      const { code, output } = await runOn(files, 'policy', 'test', 'example.yaml')
      assert.equal(code, 1, `without this rule nothing changes:\n${part}`)
      assert.match(output, /expected/)
    }
  })
}

const tutorial = readFileSync(join(ROOT, 'docs/policies.md'), 'utf8')

for (const step of tutorial.split(/^## /m).slice(1)) {
  const [title = ''] = step.split('\n')
  for (const rules of samples(step).filter((sample) => sample.includes('policy.schema.json'))) {
    test(`the policy of step "${title}" of the tutorial is valid, without a warning`, async () => {
      const { code, output } = await runOn({ 'p.yaml': rules }, 'policy', 'check', 'p.yaml')
      assert.equal(code, 0, output)
      assert.doesNotMatch(output, /warning/i)
    })
  }
}

test('the cases of the tutorial hold for the rule before them', async () => {
  const all = samples(tutorial)
  const at = all.findIndex((sample) => sample.includes('cases.schema.json'))
  const files = { 'wiki.yaml': all[at - 1] ?? '', 'wiki.cases.yaml': all[at] ?? '' }
  const { code, output } = await runOn(files, 'policy', 'test', 'wiki.yaml')
  assert.equal(code, 0, output)
})
