import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEMO_PORTS, takenPorts } from './demo-ports.ts'

const PORTS = Object.values(DEMO_PORTS)

test('a demo whose ports are all free has nothing to say', async () => {
  assert.equal(await takenPorts(PORTS, async () => true), undefined)
})

test('every port that is taken is named with its use, and what to do is said once', async () => {
  const text = await takenPorts(PORTS, async ({ port }) => port === 3001)
  assert.match(text ?? '', /^Port 8787, for the gateway, is taken\.\nPort 9787, for .*ops port/)
  assert.doesNotMatch(text ?? '', /Port 3001/)
  assert.equal(text?.match(/Ctrl\+C/g)?.length, 1)
  assert.match(text ?? '', /-iTCP:8787 /)
})

test('the ports asked about are those of the configuration of the demo', () => {
  const config = readFileSync(join(import.meta.dirname, '../../config/minimal.yaml'), 'utf8')
  const { server, gateway } = DEMO_PORTS
  assert.match(config, new RegExp(`^public_url: http://127\\.0\\.0\\.1:${gateway.port} `, 'm'))
  assert.match(config, new RegExp(`upstream: http://127\\.0\\.0\\.1:${server.port}/mcp$`, 'm'))
  assert.doesNotMatch(config, /^(?:listen|ops):/m)
})
