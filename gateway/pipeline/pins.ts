/**
 * Pinned definitions on the path of a list: what a server defines a tool as is noted whenever it is shown,
 * and a tool whose definition has changed stays out of the list where the server says so.
 */
import { readDefinitions } from '../mcp/definitions.ts'
import type { Caller } from '../model/caller.ts'
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'

/** What the path needs of the book of pins; `registry/pins.ts` says more. */
export type Pins = {
  observe(sighting: {
    readonly server: string
    readonly holds: boolean
    readonly audience: string
    readonly page: object | undefined
    readonly definitions: () => ReadonlyMap<string, string>
  }): ReadonlySet<string> | undefined
  prepare(server: string, audience: string): Promise<void>
  isHeld(server: string, tool: string): boolean
}

/** Who is about to see a list, of which server. */
export type Onlooker = {
  readonly server: McpServer
  readonly caller: Caller
  readonly call: Pick<Call, 'version'>
}

/**
 * Notes the definitions of a page of tools; returns the tools that must be left out of it.
 *
 * @param page The same object for a page that was seen before.
 */
export function observePage(
  pins: Pins,
  { server, caller, call }: Onlooker,
  { bytes, page }: { readonly bytes: Uint8Array; readonly page: object | undefined },
): ReadonlySet<string> | undefined {
  if (server.pin === 'off') return undefined
  return pins.observe({
    server: server.name,
    holds: server.pin === 'hold',
    audience: audienceOf(caller, call),
    page,
    definitions: () => readDefinitions(bytes),
  })
}

/**
 * To be awaited before a server that holds is asked for its tools: what the caller saw before is read.
 * Rejects with `state_unavailable` when it cannot be.
 */
export async function preparePage(pins: Pins, { server, caller, call }: Onlooker): Promise<void> {
  if (server.pin !== 'hold') return
  await pins.prepare(server.name, audienceOf(caller, call)).catch((cause: unknown) => {
    throw new Refusal('state_unavailable', { detail: 'definitions of tools', cause })
  })
}

/** Another token is the same caller; what a server defines may depend on the version spoken. */
function audienceOf(
  { tenant, issuer, subject, client }: Caller,
  { version }: Onlooker['call'],
): string {
  return JSON.stringify([tenant, issuer, subject, client, version])
}
