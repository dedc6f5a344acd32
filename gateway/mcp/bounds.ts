/** How large a JSON text may be in each direction it can grow. */
export type Bounds = {
  /** Containers inside each other, the outermost counted as 1. */
  readonly maxDepth: number
  /** Values in the whole frame; member names are not counted. */
  readonly maxNodes: number
  /** Bytes of one string as written, quotes included. */
  readonly maxStringBytes: number
}

/**
 * For frames from callers. Depth and nodes bound what a server's own parser has to do with the bytes
 * (`JSON.stringify` and `structuredClone` overflow at a few thousand levels, 4 MiB of `{},` cost V8
 * almost a second); a legitimate call needs a hundredth of each.
 */
export const FRAME_BOUNDS: Bounds = {
  maxDepth: 64,
  maxNodes: 50_000,
  maxStringBytes: 1_048_576,
}

/**
 * For answers of servers, which are hostile input too but larger: 5,000 tools with 50 values each in
 * their schemas, or a resource read as one base64 string, for which the byte cap of the buffer binds.
 * The worst text within them takes some 60 ms.
 */
export const ANSWER_BOUNDS: Bounds = {
  maxDepth: 128,
  maxNodes: 250_000,
  maxStringBytes: 16_777_216,
}
