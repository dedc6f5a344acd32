/**
 * Names of tools and prompts that servers have listed. It bounds metric labels and lets the gateway
 * answer for a name that no list shows. Learned from the lists that pass and from look-ups of our own.
 */
import type { Target, TargetKind } from '../model/call.ts'

/** Names kept per server and kind; a server that lists more is served, but its surplus is not known here. */
const MAX_NAMES = 5_000

export type ListedKind = Extract<TargetKind, 'tool' | 'prompt'>

export type Catalogue = {
  knows(server: string, kind: ListedKind, name: string): boolean
  /** The names of that kind the server has listed. */
  names(server: string, kind: ListedKind): Iterable<string>
  learn(server: string, listed: readonly Target[]): void
  /** The name when it is known, else `other`: what a metric label may hold. */
  label(server: string, target: Target | undefined): string
}

/** Starts empty; it outlives reloads, since servers are the same ones. */
export function createCatalogue(): Catalogue {
  const names = new Map<string, { readonly tool: Set<string>; readonly prompt: Set<string> }>()
  const knows = (server: string, kind: ListedKind, name: string): boolean =>
    names.get(server)?.[kind].has(name) ?? false
  return {
    knows,
    names: (server, kind) => names.get(server)?.[kind] ?? [],
    learn(server, listed) {
      let entry = names.get(server)
      if (entry === undefined) {
        entry = { tool: new Set(), prompt: new Set() }
        names.set(server, entry)
      }
      for (const { kind, name } of listed) {
        if (kind !== 'tool' && kind !== 'prompt') continue
        if (entry[kind].size < MAX_NAMES) entry[kind].add(name)
      }
    },
    label(server, target) {
      if (target === undefined || (target.kind !== 'tool' && target.kind !== 'prompt')) return ''
      return knows(server, target.kind, target.name) ? target.name : 'other'
    },
  }
}
