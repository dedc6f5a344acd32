/** Finds a k6, or builds one where there is a Go to build it with. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'

/** The k6 that is built where none is found; the script runs on 1.0 and newer. */
const K6_PACKAGE = 'go.k6.io/k6@v1.8.1'
const OLDEST_K6 = [1, 0]
const OLDEST_GO = [1, 24]

/** Where Go's own installer puts it, for shells whose PATH was not told. */
const GO_COMMANDS = ['go', '/usr/local/go/bin/go']

/**
 * The command of a k6: one on PATH, one built earlier into `binDirectory`, or one built now (minutes,
 * once). Otherwise what is missing, in words.
 */
export function findK6(
  binDirectory: string,
  say: (line: string) => void,
): { readonly command: string } | { readonly missing: string } {
  const built = path.join(binDirectory, 'k6')
  const found = ['k6', built].find((command) => isNewEnough([command, 'version'], OLDEST_K6))
  if (found !== undefined) return { command: found }
  const go = GO_COMMANDS.find((command) => isNewEnough([command, 'version'], OLDEST_GO))
  if (go === undefined) {
    return {
      missing:
        `k6 ${OLDEST_K6.join('.')} or newer is not on PATH, and no Go ${OLDEST_GO.join('.')} or newer ` +
        `to build one with. Install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/) or Go.`,
    }
  }
  say(`building ${K6_PACKAGE} with ${go}, once; this takes minutes`)
  mkdirSync(binDirectory, { recursive: true })
  // One package at a time: the machine has other work to do.
  const env = { ...process.env, GOBIN: binDirectory, GOFLAGS: '-p=1 -buildvcs=false' }
  const { status } = spawnSync(go, ['install', K6_PACKAGE], { env, stdio: 'inherit' })
  return status === 0 && existsSync(built)
    ? { command: built }
    : { missing: `go install ${K6_PACKAGE} failed; its reasons stand above.` }
}

function isNewEnough(command: readonly [string, string], oldest: readonly number[]): boolean {
  const { stdout } = spawnSync(command[0], [command[1]], { encoding: 'utf8' })
  return isAtLeast(stdout ?? '', oldest)
}

/** Whether the first version in a text (`k6 v1.8.1`, `go version go1.26.8`) is that old or newer. */
export function isAtLeast(
  text: string,
  [oldestMajor = 0, oldestMinor = 0]: readonly number[],
): boolean {
  const found = /(\d+)\.(\d+)/.exec(text)
  const [major, minor] = [Number(found?.[1] ?? -1), Number(found?.[2] ?? -1)]
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}
