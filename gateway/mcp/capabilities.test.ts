import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeclared } from './capabilities.ts'
import { scan } from './scan.ts'

/** What `initialize` with these capabilities declares. */
function declaredBy(capabilities: string): readonly string[] | undefined {
  const params = `{"protocolVersion":"2025-11-25","capabilities":${capabilities}}`
  const text = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`
  const read = scan(Buffer.from(text))
  assert.ok(read.ok, capabilities)
  return read.messages[0]?.params?.capabilities
}

test('what a client declares is what it can be asked', () => {
  const rows = [
    ['{}', []],
    ['{"sampling":{},"roots":{"listChanged":true}}', ['sampling', 'roots']],
    ['{"elicitation":{}}', ['elicitation_form']],
    ['{"elicitation":{"other":{}}}', ['elicitation_form']],
    ['{"elicitation":{"url":{}}}', ['elicitation_url']],
    ['{"elicitation":{"url":{},"form":{}}}', ['elicitation_url', 'elicitation_form']],
    ['{"s\\u0061mpling":{}}', ['sampling']],
  ] as const
  for (const [capabilities, declared] of rows) {
    assert.deepEqual(declaredBy(capabilities), declared, capabilities)
  }
})

test('what is no object, stands elsewhere or only looks like a capability declares nothing', () => {
  const rows = [
    '{"sampling":true,"roots":null,"elicitation":"url"}',
    '{"experimental":{"sampling":{}}}',
    '{"Sampling":{},"ROOTS":{},"elicitation ":{}}',
    '{"tools":{},"tasks":{"requests":{"sampling":{}}}}',
  ]
  for (const capabilities of rows) assert.deepEqual(declaredBy(capabilities), [], capabilities)
  for (const capabilities of ['[]', '"sampling"', 'null', '7']) {
    assert.equal(declaredBy(capabilities), undefined, capabilities)
  }
})

test('a request is taken by a client that declared it, in its mode, and what needs nothing by any', () => {
  const all = ['sampling', 'roots', 'elicitation_form', 'elicitation_url'] as const
  const rows = [
    ['sampling/createMessage', undefined, 'sampling'],
    ['roots/list', undefined, 'roots'],
    ['elicitation/create', undefined, 'elicitation_form'],
    ['elicitation/create', 'form', 'elicitation_form'],
    ['elicitation/create', 'url', 'elicitation_url'],
  ] as const
  for (const [method, mode, needed] of rows) {
    for (const capability of all) {
      assert.equal(isDeclared({ method, mode }, [capability]), capability === needed, method)
    }
  }
  for (const mode of ['', 'URL', 'other']) {
    assert.equal(isDeclared({ method: 'elicitation/create', mode }, all), false, mode)
  }
  assert.ok(isDeclared({ method: 'ping', mode: undefined }, []))
})
