/**
 * What the readers of all sections share while one configuration is loaded: where problems go, how
 * files are found and read, and which files were.
 */
import { hash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { messageOf } from '../model/message-of.ts'
import type { Path, Problem, SourceDocument } from '../model/problem.ts'
import type { Explained } from './explain-errors.ts'
import { pathText } from './path-text.ts'
import { durationMs, MAX_DURATION_MS } from './units.ts'
import { parseHttpUrl, type UrlResult } from './urls.ts'
import { MAX_YAML_BYTES } from './yaml.ts'

/** Reads a file whole; rejects as `node:fs` does. */
export type ReadFile = (file: string) => Promise<Uint8Array>

/** Resolves when the file or directory can be written to; else rejects as `node:fs` does. */
export type AskWritable = (path: string) => Promise<void>

/** Whether any of the keys of a JWKS could verify a token signed with one of these algorithms. */
export type CanVerify = (keys: readonly unknown[], algorithms: readonly string[]) => boolean

/** Environment variables; only those a configuration refers to are looked at. */
export type Environment = Readonly<Record<string, string | undefined>>

export type ReadingOptions = {
  readonly document: SourceDocument
  /** What the schema found. */
  readonly faults: readonly Explained[]
  /** What must not be read because of it. */
  readonly residue: readonly Path[]
  readonly env: Environment
  readonly readFile: ReadFile
  /** Epoch milliseconds, to warn of what has ended; without it nothing has. */
  readonly now?: (() => number) | undefined
  /** To warn of outputs that could not be opened; without it nobody looks. */
  readonly askWritable?: AskWritable | undefined
  /** What keys can do is known elsewhere; without it they can do everything. */
  readonly canVerify?: CanVerify | undefined
}

/** A file read for the configuration, or why it could not be. */
export type FileResult =
  | { readonly ok: true; readonly text: string; readonly digest: string }
  | { readonly ok: false; readonly why: string }

/** One loading of one file, from the schema's findings to the last section. */
export class Reading {
  readonly env: Environment
  /** Epoch milliseconds; 0 where nobody told. */
  readonly nowMs: number
  readonly canVerify: CanVerify
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  /** Absolute paths of everything read, in order, with the digests of the files among them. */
  readonly files = new Map<string, string | undefined>()
  readonly #document: SourceDocument
  readonly #residue: readonly Path[]
  readonly #faults: readonly Explained[]
  readonly #readFile: ReadFile
  readonly #askWritable: AskWritable | undefined

  constructor(options: ReadingOptions) {
    this.env = options.env
    this.canVerify = options.canVerify ?? (() => true)
    this.nowMs = options.now?.() ?? 0
    this.#askWritable = options.askWritable
    this.#document = options.document
    this.#readFile = options.readFile
    this.#residue = options.residue
    this.#faults = options.faults
    for (const { path, part, message } of options.faults) {
      this.problems.push(this.#problem({ path, part, message }))
    }
  }

  /** Whether what stands at `path` may be read: nothing at, below or above it is left broken. */
  isSound(path: Path): boolean {
    return !this.#residue.some((broken) => touches(broken, path))
  }

  /** Whether nothing at, below or above `path` was taken out: only then is what it names complete. */
  isWhole(path: Path): boolean {
    return !this.#faults.some(({ spoils }) => spoils !== undefined && touches(spoils, path))
  }

  /** Something wrong with the value at `path`. The message must not repeat a secret. */
  report(path: Path, message: string): void {
    this.problems.push(this.#problem({ path, part: 'value', message: said(path, message) }))
  }

  /** Like `report`, at the key: for a whole section, or for a value that is not there. */
  reportKey(path: Path, message: string): void {
    this.problems.push(this.#problem({ path, part: 'key', message: said(path, message) }))
  }

  /** Something allowed that an operator should know of. */
  warn(path: Path, message: string): void {
    this.warnings.push(this.#problem({ path, part: 'key', message: said(path, message) }))
  }

  /** Milliseconds of a duration the schema has accepted; one above the cap is reported. */
  duration(path: Path, text: string): number {
    const ms = durationMs(text) ?? 0
    if (ms > MAX_DURATION_MS) this.report(path, 'must be at most 24h')
    return ms
  }

  /**
   * The URL written at `path`; undefined when that is reported.
   *
   * @param parse What kinds of URL there may be; http and https by default.
   */
  url(
    path: Path,
    text: string,
    parse: (text: string) => UrlResult = parseHttpUrl,
  ): URL | undefined {
    const result = parse(text)
    if (!result.ok) this.report(path, result.why)
    return result.ok ? result.url : undefined
  }

  /** Relative paths are relative to the configuration file. */
  absolute(file: string): string {
    return resolve(dirname(this.#document.file), file)
  }

  /** The text of a file named at `path`; undefined when that is reported. */
  async readText(path: Path, file: string): Promise<string | undefined> {
    const result = await this.read(file)
    if (!result.ok) this.report(path, result.why)
    return result.ok ? result.text : undefined
  }

  /** The same, when where to report it depends. Either way the file is one of `files`. */
  async read(file: string): Promise<FileResult> {
    const absolute = this.absolute(file)
    const result = await readTextFile(absolute, this.#readFile)
    this.files.set(absolute, result.ok ? result.digest : undefined)
    return result
  }

  /** The bytes of a file named at `path`; undefined when that is reported. */
  async readBytes(path: Path, file: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const absolute = this.absolute(file)
    const result = await readFileWhole(absolute, this.#readFile, maxBytes)
    this.files.set(absolute, result.ok ? hash('sha256', result.bytes, 'hex') : undefined)
    if (!result.ok) this.report(path, result.why)
    return result.ok ? result.bytes : undefined
  }

  /** Warns at `path` when this output file, made at run time, could not be: a check starts nothing. */
  async warnUnwritable(path: Path, file: string): Promise<void> {
    const obstacle = await this.#obstacle(file)
    if (obstacle === undefined) return
    // What is not there yet needs a directory to be made in.
    const parent = dirname(file)
    const [where, why] =
      obstacle === 'ENOENT' ? [parent, await this.#obstacle(parent)] : [file, obstacle]
    if (why === 'ENOENT') this.warn(path, `the directory ${parent} does not exist`)
    else if (why !== undefined)
      this.warn(path, `${where} cannot be written to by this user (${why})`)
  }

  /** A directory whose listing decides which files are read. */
  addDirectory(directory: string): void {
    this.files.set(directory, undefined)
  }

  async #obstacle(path: string): Promise<string | undefined> {
    try {
      await this.#askWritable?.(path)
      return undefined
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }

  #problem(wanted: {
    readonly path: Path
    readonly part: 'key' | 'value'
    readonly message: string
  }): Problem {
    const { file, at } = this.#document
    return { file, ...at(wanted.path, wanted.part), message: wanted.message }
  }
}

/** Reads UTF-8 text of at most 1 MiB. Problems name the file, never its content. */
export async function readTextFile(file: string, readFile: ReadFile): Promise<FileResult> {
  const read = await readFileWhole(file, readFile, MAX_YAML_BYTES)
  if (!read.ok) return read
  const text = decode(read.bytes)
  if (text === undefined) return { ok: false, why: `${file} is not text (UTF-8)` }
  return { ok: true, text, digest: hash('sha256', read.bytes, 'hex') }
}

async function readFileWhole(
  file: string,
  readFile: ReadFile,
  maxBytes: number,
): Promise<
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly why: string }
> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    return { ok: false, why: `cannot read ${file}: ${reason(error)}` }
  }
  if (bytes.byteLength <= maxBytes) return { ok: true, bytes }
  return { ok: false, why: `${file} is larger than ${maxBytes} bytes` }
}

/** Undefined for what is no text: NUL is valid UTF-8, and yet only found in other encodings and binaries. */
function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Whether one path leads to the other. */
function touches(one: Path, other: Path): boolean {
  const shared = Math.min(one.length, other.length)
  return one.slice(0, shared).every((segment, index) => `${segment}` === `${other[index]}`)
}

function said(path: Path, message: string): string {
  return path.length === 0 ? message : `${pathText(path)}: ${message}`
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a directory'
  return messageOf(error)
}
