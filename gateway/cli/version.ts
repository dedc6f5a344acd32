import { readFile } from 'node:fs/promises'

/** The version in `package.json`, beside both the sources and the published build. */
export async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const parsed: unknown = JSON.parse(text)
  const isPackage = typeof parsed === 'object' && parsed !== null && 'version' in parsed
  return isPackage && typeof parsed.version === 'string' ? parsed.version : 'unknown'
}
