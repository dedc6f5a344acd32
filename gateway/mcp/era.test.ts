import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEra } from './era.ts'
import { scan } from './scan.ts'
import { MODERN_VERSIONS } from './versions.ts'

const VERSION = '"io.modelcontextprotocol/protocolVersion"'
const CAPABILITIES = '"io.modelcontextprotocol/clientCapabilities"'

function era(text: string, header?: string, direction: 'up' | 'down' = 'up'): string {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, scanned.ok ? '' : scanned.problem.message)
  const read = readEra(scanned.messages[0]!, direction, header)
  return read.ok ? `${read.era} ${read.version}` : read.problem.code
}

function claiming(version: string, method = 'tools/list', capabilities = '{}'): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"_meta":{${VERSION}:${version},${CAPABILITIES}:${capabilities}}}}`
}

const PLAIN = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
const NOTIFICATION = '{"jsonrpc":"2.0","method":"notifications/cancelled"}'
const RESPONSE = '{"jsonrpc":"2.0","id":1,"result":{}}'
const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}'
const MODERN = '2026-07-28'

/** The ladder: what, body, version header, outcome. */
const LADDER: readonly (readonly [string, string, string | undefined, string])[] = [
  ['a response without header', RESPONSE, undefined, 'legacy 2025-03-26'],
  ['a response with a legacy header', RESPONSE, '2025-11-25', 'legacy 2025-11-25'],
  ['a response with a modern header', RESPONSE, MODERN, 'invalid_request'],
  ['initialize', INITIALIZE, undefined, 'legacy 2025-06-18'],
  ['initialize with a legacy header', INITIALIZE, '2025-03-26', 'legacy 2025-06-18'],
  ['initialize with a modern header', INITIALIZE, MODERN, 'header_mismatch'],
  ['initialize with an unknown header', INITIALIZE, '1900-01-01', 'invalid_request'],
  [
    'initialize for a version nobody knows',
    INITIALIZE.replace('2025-06-18', '2031-01-01'),
    undefined,
    'legacy 2031-01-01',
  ],
  [
    'initialize without a version',
    INITIALIZE.replace('"protocolVersion":"2025-06-18"', ''),
    undefined,
    'invalid_params',
  ],
  [
    'initialize with a number for a version',
    INITIALIZE.replace('"2025-06-18"', '2025'),
    undefined,
    'invalid_params',
  ],
  [
    'initialize with a text of 33 characters for a version',
    INITIALIZE.replace('2025-06-18', 'x'.repeat(33)),
    undefined,
    'invalid_params',
  ],
  [
    'initialize with a modern claim',
    claiming('"2026-07-28"', 'initialize'),
    MODERN,
    'modern 2026-07-28',
  ],
  ['initialize with a broken claim', claiming('7', 'initialize'), undefined, 'invalid_params'],
  ['a claim with its header', claiming('"2026-07-28"'), MODERN, 'modern 2026-07-28'],
  ['S-02 a claim without header', claiming('"2026-07-28"'), undefined, 'header_mismatch'],
  ['S-06 a modern claim, legacy header', claiming('"2026-07-28"'), '2025-11-25', 'header_mismatch'],
  ['S-06 a legacy claim, modern header', claiming('"2025-11-25"'), MODERN, 'header_mismatch'],
  [
    'S-07 an unknown version in both',
    claiming('"1900-01-01"'),
    '1900-01-01',
    'unsupported_version',
  ],
  ['an unknown claim without header', claiming('"2027-01-01"'), undefined, 'unsupported_version'],
  ['an unknown claim, modern header', claiming('"2027-01-01"'), MODERN, 'header_mismatch'],
  ['a modern claim, unknown header', claiming('"2026-07-28"'), '2027-01-01', 'header_mismatch'],
  ['a legacy claim with its header', claiming('"2025-11-25"'), '2025-11-25', 'legacy 2025-11-25'],
  ['a legacy claim without header', claiming('"2025-11-25"'), undefined, 'legacy 2025-11-25'],
  ['a claim that is a number', claiming('20260728'), MODERN, 'invalid_params'],
  ['a claim that is null', claiming('null'), undefined, 'invalid_params'],
  ['an empty claim', claiming('""'), '', 'invalid_params'],
  ['a claim with a space inside', claiming('"2 26-07-28"'), undefined, 'invalid_params'],
  ['a claim beyond ASCII', claiming('"2026-07-2\u00e9"'), undefined, 'invalid_params'],
  ['a claim with a space', claiming('"2026-07-28 "'), MODERN, 'invalid_params'],
  ['capabilities no object', claiming('"2026-07-28"', 'x', '[]'), MODERN, 'invalid_params'],
  [
    'no capabilities',
    claiming('"2026-07-28"').replace(/,"[^"]*clientCapabilities":\{\}/, ''),
    MODERN,
    'invalid_params',
  ],
  ['no claim, modern header', PLAIN, MODERN, 'invalid_params'],
  ['a notification, modern header', NOTIFICATION, MODERN, 'modern 2026-07-28'],
  ['a notification, legacy header', NOTIFICATION, '2025-06-18', 'legacy 2025-06-18'],
  ['a notification without header', NOTIFICATION, undefined, 'legacy 2025-03-26'],
  [
    'a notification with a claim and no header',
    claiming('"2026-07-28"').replace('"id":1,', ''),
    undefined,
    'modern 2026-07-28',
  ],
  ['no claim and no header', PLAIN, undefined, 'legacy 2025-03-26'],
  ['no claim, each legacy header', PLAIN, '2024-11-05', 'legacy 2024-11-05'],
  ['no claim, unknown header', PLAIN, '1900-01-01', 'invalid_request'],
  ['no claim, empty header', PLAIN, '', 'invalid_request'],
  ['a notification, unknown header', NOTIFICATION, 'x', 'invalid_request'],
  ['a response, unknown header', RESPONSE, 'x', 'invalid_request'],
]

for (const [what, text, header, outcome] of LADDER) {
  test(`era and version of ${what}: ${outcome}`, () => {
    assert.equal(era(text, header), outcome)
  })
}

test('S-07 an unsupported version is told what is supported and what was asked for', () => {
  const scanned = scan(Buffer.from(claiming('"1900-01-01"')))
  assert.ok(scanned.ok)
  const read = readEra(scanned.messages[0]!, 'up', '1900-01-01')
  assert.deepEqual(read.ok ? undefined : read.problem.data, {
    supported: MODERN_VERSIONS,
    requested: '1900-01-01',
  })
})

test('a down message has the version of its exchange, and is legacy where that is unknown', () => {
  assert.equal(era(claiming('"2026-07-28"'), undefined, 'down'), 'legacy 2025-03-26')
  assert.equal(era(NOTIFICATION, MODERN, 'down'), 'modern 2026-07-28')
})
