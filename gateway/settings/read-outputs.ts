/** Sections `audit`, `telemetry`: where things are written to. */
import type { Path } from '../model/problem.ts'
import type { ConfigFile } from './config-file.ts'
import type { Reading } from './reading.ts'
import { readHeaders } from './secrets.ts'
import type { AuditSettings, TelemetrySettings } from './settings.ts'
import { isExposed } from './urls.ts'

/** The audit log. */
export async function readAudit(reading: Reading, { audit }: ConfigFile): Promise<AuditSettings> {
  if (audit.mode === 'strict' && audit.sink === 'stdout') {
    reading.report(
      ['audit', 'mode'],
      'strict needs a file as sink: stdout cannot be flushed to disk',
    )
  }
  const sink = audit.sink === 'stdout' ? 'stdout' : reading.absolute(audit.sink)
  if (sink !== 'stdout') await reading.warnUnwritable(['audit', 'sink'], sink)
  return {
    sink,
    mode: audit.mode,
    maxBuffered: audit.max_buffered,
    recordGroups: audit.record_groups,
  }
}

/** Where traces go. */
export async function readTelemetry(
  reading: Reading,
  { telemetry: { otlp } }: ConfigFile,
): Promise<TelemetrySettings> {
  if (otlp === undefined) return { otlp: undefined }
  const at: Path = ['telemetry', 'otlp']
  const headers = await readHeaders(reading, [...at, 'headers'], otlp.headers)
  const url = reading.url([...at, 'endpoint'], otlp.endpoint)
  if (url !== undefined && isExposed(url) && headers.size > 0) {
    reading.warn([...at, 'endpoint'], 'traces and these headers travel unencrypted')
  }
  return {
    otlp: { endpoint: otlp.endpoint.replace(/\/$/, ''), headers, sampleRatio: otlp.sample_ratio },
  }
}
