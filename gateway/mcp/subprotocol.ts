/**
 * The WebSocket subprotocol of MCP, as its TypeScript SDK v1 speaks it: one JSON-RPC message a text frame.
 * No revision of the specification names it; it is a custom transport (2025-11-25 transports).
 */
export const SUBPROTOCOL = 'mcp'
