/** Throw-away certificates for loopback, made by the system's openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type KeyPair = {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
}

export type Authority = {
  /** PEM of its own certificate. */
  readonly cert: string
  /** A certificate for this name, valid for a day, on 127.0.0.1 and localhost too unless it says otherwise. */
  issue(name: string, altNames?: string): KeyPair
}

/** A certificate authority nobody else trusts. @throws {Error} where there is no openssl. */
export function createAuthority(name: string): Authority {
  const root = selfSigned(name)
  return {
    cert: root.cert,
    issue: (subject, altNames = 'DNS:localhost,IP:127.0.0.1') =>
      inDirectory({ 'ca.crt': root.cert, 'ca.key': root.key }, (run) => {
        const alt = `subjectAltName=${altNames}`
        run('req', '-x509', ...NEW_KEY, '-subj', `/CN=${subject}`, '-addext', alt, ...SIGNED_BY_CA)
      }),
  }
}

function selfSigned(name: string, newKey: readonly string[] = NEW_KEY): KeyPair {
  return inDirectory({}, (run) => run('req', '-x509', ...newKey, '-subj', `/CN=${name}`))
}

/** A certificate that nobody vouches for, of an RSA key of 2048 bits. */
export function selfSignedRsa(name: string): KeyPair {
  return selfSigned(name, ['-newkey', 'rsa:2048', ...NEW_FILES])
}

const NEW_FILES = '-nodes -days 1 -keyout new.key -out new.crt'.split(' ')
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', ...NEW_FILES]
const SIGNED_BY_CA = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'basicConstraints=CA:FALSE']

/** Runs openssl in a directory with these files, and reads `new.crt` and `new.key` from it. */
function inDirectory(
  files: Readonly<Record<string, string>>,
  make: (run: (...args: readonly string[]) => void) => void,
): KeyPair {
  const cwd = mkdtempSync(join(tmpdir(), 'gatehouse-ca-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
    make((...args) => void execFileSync('openssl', args, { cwd, stdio: 'pipe' }))
    const read = (name: string): string => readFileSync(join(cwd, name), 'utf8')
    return { cert: read('new.crt'), key: read('new.key') }
  } finally {
    rmSync(cwd, { recursive: true })
  }
}
