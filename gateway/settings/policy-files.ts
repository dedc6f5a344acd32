/** Section `policies`: files, directories and globs to the texts of the policies they name. */
import { glob, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ConfigFile } from './config-file.ts'
import type { Reading } from './reading.ts'
import type { PolicySource } from './settings.ts'

/** Files found by one entry; more is a glob that caught the wrong tree. */
const MAX_FILES = 1000

/** The policy texts in the order named, those of one entry sorted by path; no file twice. */
export async function readPolicies(
  reading: Reading,
  config: ConfigFile,
): Promise<readonly PolicySource[]> {
  const sources = new Map<string, PolicySource>()
  for (const [index, entry] of config.policies.entries()) {
    const path = ['policies', index]
    if (!reading.isSound(path)) continue
    const files = await expand(reading, entry)
    if (files.length === 0) reading.report(path, `no policy file at ${reading.absolute(entry)}`)
    if (files.length > MAX_FILES) reading.report(path, `more than ${MAX_FILES} files`)
    for (const file of files.slice(0, MAX_FILES)) {
      const text = await reading.readText(path, file)
      if (text !== undefined) sources.set(file, { file, text })
    }
  }
  if (config.policies.length === 0) {
    reading.warn(['policies'], 'no policies: every call will be denied')
  }
  return [...sources.values()]
}

/** Absolute paths; a plain name stays itself, so that a missing file is reported by its name. */
async function expand(reading: Reading, entry: string): Promise<readonly string[]> {
  const absolute = reading.absolute(entry)
  if (/[*?[{]/.test(entry)) {
    // Hidden files are no match, so a mounted ConfigMap's `..data` copies are not found twice.
    const files: string[] = []
    for await (const found of glob(entry, { cwd: reading.absolute('.') })) {
      if (isPolicy(found)) files.push(reading.absolute(found))
    }
    // Where one was found the next one may appear.
    for (const file of files) reading.addDirectory(dirname(file))
    return files.toSorted()
  }
  if (!(await isDirectory(absolute))) return isCases(absolute) ? [] : [absolute]
  reading.addDirectory(absolute)
  const names = (await readdir(absolute)).filter((name) => !name.startsWith('.') && isPolicy(name))
  return names.map((name) => join(absolute, name)).toSorted()
}

function isPolicy(file: string): boolean {
  return /\.ya?ml$/.test(file) && !isCases(file)
}

function isCases(file: string): boolean {
  return /\.cases\.ya?ml$/.test(file)
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
