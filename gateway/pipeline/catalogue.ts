/**
 * Names that servers have listed, the pages of tools, and which arguments of a tool are mirrored into
 * headers. It bounds metric labels, lets the gateway answer for a name that no list shows and check what
 * is mirrored. Learned from the lists that pass and from look-ups of our own.
 */
import { isDeepStrictEqual } from 'node:util'

import type { AppPages } from '../mcp/app-pages.ts'
import type { HeaderParam, HeaderParams } from '../mcp/header-params.ts'
import type { KnownLists } from '../mcp/known-lists.ts'
import { createKnownLists } from '../mcp/known-lists.ts'
import type { AnnotatedTools } from '../mcp/tool-annotations.ts'
import type { Era, Target, TargetKind } from '../model/call.ts'
import { DEFAULT_TRAITS, type ToolTraits } from '../model/tool-traits.ts'

/** Names kept per server and kind; a server that lists more is served, but its surplus is not known here. */
const MAX_NAMES = 5_000

/** Ways to mirror and traits kept per tool, which may be listed otherwise to every caller; the oldest goes. */
const MAX_WAYS = 8

/** Pages kept per tool, which may be listed otherwise to every caller; the oldest goes. */
const MAX_PAGES = 8

/** What has names that callers may see. */
export type NamedKind = Exclude<TargetKind, 'task'>

/** What calls may name only once a list has. */
export type ListedKind = Extract<TargetKind, 'tool' | 'prompt'>

export type Catalogue = {
  knows(server: string, kind: ListedKind, name: string): boolean
  /** The names of that kind the server has listed; of resources also what it has answered reads with. */
  names(server: string, kind: NamedKind): Iterable<string>
  learn(server: string, listed: readonly Target[]): void
  /** Notes what a page of `tools/list` says these tools mirror; only modern lists say it. */
  learnParams(server: string, listed: readonly Target[], params: HeaderParams): void
  /**
   * The ways in which a tool has been listed to mirror its arguments, one of which a call must follow.
   * Undefined for a tool that was never listed to mirror any.
   */
  params(server: string, tool: string): readonly Way[] | undefined
  /** Notes what a page of `tools/list` says these tools do. */
  learnTraits(server: string, listed: readonly Target[], annotated: AnnotatedTools): void
  /** The traits a tool has been listed with; empty for one that has never been listed with any. */
  traits(server: string, tool: string): readonly ToolTraits[]
  /** Notes the pages that tools of a list name; a tool keeps those it was listed with before. */
  learnPages(server: string, pages: AppPages): void
  /** The tools that have been listed with this page. */
  toolsOf(server: string, page: string): readonly string[]
  /** Lists it has sent in that era; what they name and mirror has been learned. */
  lists(server: string, era: Era): KnownLists
  /** The name when it is known, else `other`: what a metric label may hold. */
  label(server: string, target: Target | undefined): string
}

const NO_TRAITS: readonly ToolTraits[] = []

/** What one definition of a tool mirrors. */
export type Way = readonly HeaderParam[]

/** Starts empty; it outlives reloads, since servers are the same ones. */
export function createCatalogue(): Catalogue {
  const names = new Map<string, Readonly<Record<NamedKind, Set<string>>>>()
  const ways = new Map<string, Map<string, readonly Way[]>>()
  const traits = new Map<string, Map<string, readonly ToolTraits[]>>()
  const pages = new Map<string, Map<string, readonly string[]>>()
  const lists = { legacy: new Map<string, KnownLists>(), modern: new Map<string, KnownLists>() }
  const knows = (server: string, kind: ListedKind, name: string): boolean =>
    names.get(server)?.[kind].has(name) ?? false
  return {
    knows,
    names: (server, kind) => names.get(server)?.[kind] ?? [],
    learn(server, listed) {
      let entry = names.get(server)
      if (entry === undefined) {
        entry = { tool: new Set(), prompt: new Set(), resource: new Set(), template: new Set() }
        names.set(server, entry)
      }
      for (const { kind, name } of listed) {
        if (kind === 'task') continue
        if (entry[kind].size < MAX_NAMES) entry[kind].add(name)
      }
    },
    learnParams(server, listed, params) {
      let entry = ways.get(server)
      if (entry === undefined) ways.set(server, (entry = new Map()))
      for (const { kind, name } of listed) {
        if (kind !== 'tool') continue
        const known = entry.get(name)
        const way = params.get(name) ?? []
        // That it mirrors nothing is news only about a tool that once did.
        if (known === undefined && (way.length === 0 || entry.size >= MAX_NAMES)) continue
        const others = (known ?? []).filter((other) => !isDeepStrictEqual(other, way))
        entry.set(name, [...others, way].slice(-MAX_WAYS))
      }
    },
    learnTraits(server, listed, annotated) {
      let entry = traits.get(server)
      if (entry === undefined) traits.set(server, (entry = new Map()))
      for (const { kind, name } of listed) {
        if (kind !== 'tool') continue
        const known = entry.get(name)
        const said = annotated.get(name)
        if (known === undefined && entry.size >= MAX_NAMES) continue
        if (said === undefined && (known === undefined || known === NO_TRAITS)) {
          entry.set(name, NO_TRAITS)
          continue
        }
        const now = said ?? DEFAULT_TRAITS
        // Of one that has said nothing so far, some callers may still have that definition.
        const before = known === NO_TRAITS ? [DEFAULT_TRAITS] : (known ?? [])
        const others = before.filter((other) => !isDeepStrictEqual(other, now))
        entry.set(name, [...others, now].slice(-MAX_WAYS))
      }
    },
    traits: (server, tool) => traits.get(server)?.get(tool) ?? NO_TRAITS,
    lists(server, era) {
      let known = lists[era].get(server)
      if (known === undefined) lists[era].set(server, (known = createKnownLists()))
      return known
    },
    learnPages(server, named) {
      let entry = pages.get(server)
      if (entry === undefined) pages.set(server, (entry = new Map()))
      for (const [tool, uris] of named) {
        const known = entry.get(tool)
        if (known === undefined && entry.size >= MAX_NAMES) continue
        const others = (known ?? []).filter((uri) => !uris.includes(uri))
        entry.set(tool, [...others, ...uris].slice(-MAX_PAGES))
      }
    },
    toolsOf: (server, page) =>
      Array.from(pages.get(server) ?? []).flatMap(([tool, uris]) =>
        uris.includes(page) ? tool : [],
      ),
    params: (server, tool) => ways.get(server)?.get(tool),
    label(server, target) {
      if (target === undefined || (target.kind !== 'tool' && target.kind !== 'prompt')) return ''
      return knows(server, target.kind, target.name) ? target.name : 'other'
    },
  }
}
