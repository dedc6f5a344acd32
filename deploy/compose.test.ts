import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { checkConfig } from './check-config.ts'

const HERE = import.meta.dirname
const shipped = parse(readFileSync(join(HERE, '../package.json'), 'utf8')) as {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
}
type Service = {
  readonly image: string
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks: readonly string[]
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
}

const { services, volumes, networks } = parse(readFileSync(join(HERE, 'compose.yaml'), 'utf8')) as {
  readonly services: { readonly gatehouse: Service; readonly server: Service }
  readonly volumes: Record<string, unknown>
  readonly networks: Record<string, unknown>
}

test('the composed gateway is of this version, and the server of the version the tests use', () => {
  assert.equal(services.gatehouse.image, `gatehouse:${shipped.version}`)
  const name = '@modelcontextprotocol/server-everything'
  assert.ok(services.server.command?.includes(`${name}@${shipped.devDependencies[name]}`))
})

test('the composed gateway is open on loopback only, and the server not at all', () => {
  for (const port of services.gatehouse.ports ?? []) {
    assert.match(port, /^127\.0\.0\.1:/)
  }
  assert.equal(services.server.ports, undefined)
  assert.deepEqual(services.server.networks, ['servers'])
})

test('the composed services are without privileges, and the gateway writes only to its volume', () => {
  for (const service of Object.values(services)) {
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    for (const network of service.networks) assert.ok(network in networks)
  }
  assert.equal(services.gatehouse.read_only, true)
  assert.deepEqual(services.gatehouse.volumes, [
    './compose:/etc/gatehouse:ro',
    'state:/var/lib/gatehouse',
  ])
  assert.ok('state' in volumes)
})

test('gatehouse check accepts the composed configuration and its policy', () => {
  const { status, output } = checkConfig(join(HERE, 'compose'))
  assert.equal(status, 0, output)
})
