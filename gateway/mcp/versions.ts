/** Protocol versions of the modern era (stateless, POST only, mirrored headers), newest first. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28']

/** Every protocol version served, newest first. */
export const SUPPORTED_VERSIONS: readonly string[] = [
  '2026-07-28',
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
]

/** What a legacy request without `MCP-Protocol-Version` speaks (2025-06-18 transports). */
export const UNSTATED_VERSION = '2025-03-26'
