/** A place in a text file, both counted from 1; columns in UTF-16 units, as editors count. */
export type Position = { readonly line: number; readonly column: number }

/** The way from the root of a document to a value: mapping keys and list indexes. */
export type Path = readonly (string | number)[]

/** Something wrong in a file an operator wrote: what, where, and what to do about it. */
export type Problem = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A file as read: plain data, and where each value stands in the text. */
export type SourceDocument = {
  readonly file: string
  readonly data: unknown
  /**
   * Position of the value at `path`, or of its key when asked for. Where the document has no such
   * value, the position of the deepest one on the way there.
   */
  readonly at: (path: Path, part?: 'key' | 'value') => Position
}
