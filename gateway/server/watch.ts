/**
 * Tells when the content of files has changed. It watches the files' directories, because a watch on a
 * file follows its inode and goes deaf once a new file is renamed over it or a symbolic link on the
 * way is swapped (Kubernetes mounts a ConfigMap as `file -> ..data/file`, `..data -> ..2026_01_31`, and
 * updates it by renaming `..data`). Events only say when to look; what counts is the SHA-256 of the
 * content. Everything is looked at again every half minute, for file systems that send no events.
 */
import { hash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Long enough for an editor or a kubelet to finish what it does to several files, in milliseconds. */
const DEBOUNCE_MS = 150

/** How long a change may stay unnoticed where no event comes, in milliseconds. */
const RECHECK_MS = 30_000

export type WatchOptions = {
  /** Absolute paths. Of a directory, the names of the YAML files in it are watched. */
  readonly files: readonly string[]
  /**
   * SHA-256, hex, of the contents already known. A file that is different by the time it is watched has
   * changed. Without it, what is found first is the beginning.
   */
  readonly digests?: ReadonlyMap<string, string>
  /** Called once for any number of changes close together; a file that vanishes has changed too. */
  readonly onChange: () => void
  /** From the first event to the look at the files; default 150. */
  readonly debounceMs?: number
  /** Default 30,000. */
  readonly recheckMs?: number
}

export type FileWatch = {
  /** Watches these files from now on instead. */
  refresh(files: readonly string[], digests?: ReadonlyMap<string, string>): void
  /** `onChange` is not called any more. */
  close(): void
}

/** Starts watching. It keeps no process alive, and no error of the file system ends it. */
export function watchFiles(options: WatchOptions): FileWatch {
  const files = new Files(options)
  files.refresh(options.files, options.digests ?? new Map())
  return files
}

/** A directory being watched: the inode says whether the name still means the same one. */
type Directory = { readonly inode: string; readonly watcher: FSWatcher }

class Files implements FileWatch {
  readonly #onChange: () => void
  readonly #debounceMs: number
  readonly #recheck: NodeJS.Timeout
  /** What each file was when last looked at; undefined before the first look. */
  readonly #states = new Map<string, string | undefined>()
  readonly #directories = new Map<string, Directory>()
  #soon: NodeJS.Timeout | undefined
  #look: 'idle' | 'looking' | 'once_more' | 'closed' = 'idle'

  constructor(options: WatchOptions) {
    this.#onChange = options.onChange
    this.#debounceMs = options.debounceMs ?? DEBOUNCE_MS
    this.#recheck = setInterval(() => void this.#check(), options.recheckMs ?? RECHECK_MS)
    this.#recheck.unref()
  }

  refresh(files: readonly string[], digests: ReadonlyMap<string, string> = new Map()): void {
    const wanted = new Set(files)
    for (const file of this.#states.keys()) if (!wanted.has(file)) this.#states.delete(file)
    for (const file of wanted) {
      this.#states.set(file, digests.get(file) ?? this.#states.get(file))
    }
    void this.#check()
  }

  close(): void {
    this.#look = 'closed'
    clearInterval(this.#recheck)
    clearTimeout(this.#soon)
    for (const directory of this.#directories.keys()) this.#unwatch(directory)
  }

  /** One look at a time; a wish for another while one is under way is granted after it. */
  async #check(): Promise<void> {
    if (this.#look !== 'idle') {
      if (this.#look === 'looking') this.#look = 'once_more'
      return
    }
    this.#look = 'looking'
    // Directories first: whatever changes after the files were read is then an event.
    await this.#watchDirectories()
    const isChanged = await this.#readStates()
    if (this.#isClosed()) return
    const isStale = this.#isStale()
    this.#look = 'idle'
    if (isChanged) this.#onChange()
    if (isStale) void this.#check()
  }

  async #readStates(): Promise<boolean> {
    let isChanged = false
    for (const file of this.#states.keys()) {
      const state = await stateOf(file)
      const before = this.#states.get(file)
      if (!this.#states.has(file)) continue
      this.#states.set(file, state)
      if (before !== undefined && before !== state) isChanged = true
    }
    return isChanged
  }

  /** Opens what is not watched, and anew what is no longer the directory it was. */
  async #watchDirectories(): Promise<void> {
    const wanted = new Set([...this.#states.keys()].map((file) => dirname(file)))
    for (const directory of this.#directories.keys()) {
      if (!wanted.has(directory)) this.#unwatch(directory)
    }
    for (const directory of wanted) {
      const inode = await inodeOf(directory)
      if (this.#isClosed()) return
      if (this.#directories.get(directory)?.inode === inode) continue
      this.#unwatch(directory)
      if (inode !== undefined) this.#watch(directory, inode)
    }
  }

  #watch(directory: string, inode: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, (event, name) => {
        // Something in the directory is written to all the time (a log, a database); renames are rare,
        // and links are swapped by renaming.
        const isOurs = name === null || this.#states.has(join(directory, basename(name)))
        if (event === 'rename' || isOurs) this.#checkSoon()
      })
      watcher.on('error', () => this.#unwatch(directory))
      this.#directories.set(directory, { inode, watcher })
    } catch {
      // No more watches to be had, or gone again: the recheck still sees changes.
    }
  }

  #unwatch(directory: string): void {
    this.#directories.get(directory)?.watcher.close()
    this.#directories.delete(directory)
  }

  /** Not put off by further events, or steady ones would put it off for ever. */
  #checkSoon(): void {
    if (this.#soon !== undefined || this.#isClosed()) return
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      void this.#check()
    }, this.#debounceMs)
    this.#soon.unref()
  }

  // Methods, because the compiler takes what it knew of a field before an `await` for granted.
  #isClosed(): boolean {
    return this.#look === 'closed'
  }

  #isStale(): boolean {
    return this.#look === 'once_more'
  }
}

/** The digest of the content, or which error there is instead: that is a state like any other. */
async function stateOf(file: string): Promise<string> {
  try {
    if (!(await stat(file)).isDirectory()) return hash('sha256', await readFile(file), 'hex')
    const names = await readdir(file)
    return names
      .filter((name) => /\.ya?ml$/.test(name))
      .toSorted()
      .join('/')
  } catch (error) {
    return `unreadable ${error instanceof Error && 'code' in error ? String(error.code) : ''}`
  }
}

async function inodeOf(directory: string): Promise<string | undefined> {
  try {
    // File systems give the number of a removed directory to the next one made, so its birth counts too.
    const { dev, ino, birthtimeNs } = await stat(directory, { bigint: true })
    return `${dev}:${ino}:${birthtimeNs}`
  } catch {
    return undefined
  }
}
