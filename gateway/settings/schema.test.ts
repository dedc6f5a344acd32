import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

type Node = Readonly<Record<string, unknown>>

const schema: unknown = JSON.parse(
  readFileSync(new URL('../../config/gatehouse.schema.json', import.meta.url), 'utf8'),
)

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}

/** Every schema object in the file with the path to it. */
function* nodes(value: unknown, path = '#'): Generator<readonly [path: string, node: Node]> {
  if (!isNode(value)) return
  yield [path, value]
  for (const [key, part] of Object.entries(value)) yield* nodes(part, `${path}/${key}`)
}

/** Every setting: its path, its schema and whether it must be given. */
function* settings(): Generator<readonly [path: string, node: Node, required: boolean]> {
  for (const [path, { properties, required }] of nodes(schema)) {
    if (!isNode(properties) || path.endsWith('/properties')) continue
    const names: readonly unknown[] = Array.isArray(required) ? required : []
    for (const [name, node] of Object.entries(properties)) {
      if (isNode(node)) yield [`${path}/${name}`, node, names.includes(name)]
    }
  }
}

test('every setting is described', () => {
  assert.ok([...settings()].length > 80)
  const silent = [...settings()].filter(([, { description }]) => typeof description !== 'string')
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  )
})

test('every setting is required, has a default, or says what its absence means', () => {
  const unclear = [...settings()].filter(([path, node, required]) => {
    const isChoice = path.includes('/jwks/')
    const saysSo = String(node['description']).includes('Without it')
    return !required && !isChoice && node['default'] === undefined && !saysSo
  })
  assert.deepEqual(
    unclear.map(([path]) => path),
    [],
  )
})

test('no mapping with settings takes keys the reference does not name, except a JWK', () => {
  const open = [...nodes(schema)].filter(
    ([path, node]) =>
      isNode(node['properties']) &&
      !path.endsWith('/properties') &&
      node['additionalProperties'] === undefined,
  )
  assert.deepEqual(
    open.map(([path]) => path),
    [
      '#/$defs/jwks/properties/keys/items',
      '#/$defs/own_client/properties/jwks/properties/keys/items',
    ],
  )
})

test('every pattern says in words what it wants', () => {
  const wordless = [...nodes(schema)].filter(
    ([, node]) =>
      typeof node['pattern'] === 'string' && typeof node['patternErrorMessage'] !== 'string',
  )
  assert.deepEqual(
    wordless.map(([path]) => path),
    [],
  )
})
