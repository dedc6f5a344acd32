/** What a server says a tool does (MCP tool annotations). Said by the server, so a hint and no promise. */
export type ToolTraits = {
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/** Traits of a tool whose server says nothing (MCP 2025-11-25 schema, `ToolAnnotations`). */
export const DEFAULT_TRAITS: ToolTraits = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
}
