import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const UNIT = join(import.meta.dirname, 'systemd/gatehouse.service')
const lines = readFileSync(UNIT, 'utf8').split('\n')

function value(key: string): string | undefined {
  return lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1)
}

test('systemd knows every directive of the unit', () => {
  const result = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' })
  assert.equal(`${result.stdout}${result.stderr}`, '')
  assert.equal(result.status, 0)
})

test('the unit checks the configuration that it serves, and outlives the drain', () => {
  assert.equal(value('ExecStart'), '/usr/bin/env gatehouse serve -c /etc/gatehouse/gatehouse.yaml')
  assert.equal(value('ExecStartPre'), value('ExecStart')?.replace(' serve ', ' check --offline '))
  assert.equal(value('ExecReload'), '/bin/kill -HUP $MAINPID')
  assert.ok(Number(value('TimeoutStopSec')) > 30)
})

test('the unit runs as nobody in particular, without privileges, and writes only its state', () => {
  assert.equal(value('DynamicUser'), 'yes')
  assert.equal(value('CapabilityBoundingSet'), '')
  assert.equal(value('NoNewPrivileges'), 'yes')
  assert.equal(value('ProtectSystem'), 'strict')
  assert.equal(value('StateDirectory'), 'gatehouse')
})
