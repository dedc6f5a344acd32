/** Runs `gatehouse check` on the configuration of a deployment, with made-up secrets in place of real ones. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const PROJECT = join(import.meta.dirname, '..')

/** What the deployments expect to be mounted, by path under `/run/secrets`. */
const SECRETS: Readonly<Record<string, () => string>> = {
  'gatehouse/keys': () => `made-up:${randomBytes(32).toString('base64url')}`,
  'gatehouse/admin-token': () => randomBytes(32).toString('base64url'),
  'gatehouse/tickets-token': () => randomBytes(32).toString('base64url'),
}

export type Checked = { readonly status: number | null; readonly output: string }

/**
 * Copies `folder` with its `gatehouse.yaml` to a temporary place, moves the absolute paths in it
 * there, and returns what `gatehouse check` says. `edit` may spoil the text first.
 */
export function checkConfig(folder: string, edit = (text: string): string => text): Checked {
  const place = mkdtempSync(join(tmpdir(), 'gatehouse-deploy-'))
  try {
    cpSync(folder, join(place, 'etc'), { recursive: true })
    for (const [path, make] of Object.entries(SECRETS)) write(join(place, 'secrets', path), make())
    makeCertificate(join(place, 'secrets/gatehouse-tls'))
    mkdirSync(join(place, 'state'))
    const config = join(place, 'etc/gatehouse.yaml')
    const text = readFileSync(config, 'utf8')
      .replaceAll('/run/secrets/', `${place}/secrets/`)
      .replaceAll('/var/lib/gatehouse/', `${place}/state/`)
    writeFileSync(config, edit(text))
    return runCheck(config)
  } finally {
    rmSync(place, { recursive: true })
  }
}

function runCheck(config: string): Checked {
  const program = [join(PROJECT, 'gateway/cli/main.ts'), 'check', '-c', config]
  const result = spawnSync(process.execPath, program, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], GATEHOUSE_KEYS: SECRETS['gatehouse/keys']!() },
  })
  return { status: result.status, output: `${result.stdout}${result.stderr}` }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** A certificate of nobody, as cert-manager would mount it. */
function makeCertificate(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=mcp.example.com -keyout tls.key -out tls.crt'
  const result = spawnSync('openssl', words.split(' '), { cwd: folder, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`openssl: ${result.stderr}`)
}
