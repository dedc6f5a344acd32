/**
 * How other parsers read a JSON-RPC message: members kept as the list they were written in, and one
 * lookup per parser family. A frame that reads differently in two of them can show policy one call and
 * the server another.
 */

/** A parsed value; an object is the list of its members, repetitions included. */
export type Tree =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Tree])[] }
  | { readonly kind: 'array'; readonly elements: readonly Tree[] }
  | {
      readonly kind: 'scalar'
      readonly value: string | number | boolean | null
      /** As it was written. */
      readonly raw: string
    }

/** Parses a text that `JSON.parse` accepts. */
export function parseTree(text: string): Tree {
  let at = 0
  function token(pattern: RegExp): string {
    const sticky = new RegExp(`[ \\t\\n\\r]*(${pattern.source})[ \\t\\n\\r]*`, 'y')
    sticky.lastIndex = at
    const found = sticky.exec(text)?.[1]
    if (found === undefined) return ''
    at = sticky.lastIndex
    return found
  }
  function list<T>(close: RegExp, item: () => T): readonly T[] {
    const items: T[] = []
    while (token(close) === '') {
      items.push(item())
      token(/,/)
    }
    return items
  }
  function member(): readonly [string, Tree] {
    const name: unknown = JSON.parse(token(STRING))
    token(/:/)
    return [String(name), value()]
  }
  function value(): Tree {
    if (token(/\{/) !== '') return { kind: 'object', members: list(/\}/, member) }
    if (token(/\[/) !== '') return { kind: 'array', elements: list(/\]/, value) }
    const raw = token(STRING) || token(/[-+.\w]+/)
    return { kind: 'scalar', value: JSON.parse(raw), raw }
  }
  return value()
}

const STRING = /"(?:[^"\\]|\\.)*"/

/** Whether any object of the tree has a member twice. */
export function hasRepetition(tree: Tree): boolean {
  switch (tree.kind) {
    case 'scalar':
      return false
    case 'array':
      return tree.elements.some(hasRepetition)
    case 'object': {
      const names = tree.members.map(([name]) => name)
      const differ = new Set(names).size === names.length
      return !differ || tree.members.some(([, value]) => hasRepetition(value))
    }
  }
}

/** Finds a member of an object; undefined when it has none of that name, or is no object. */
export type ReaderModel = (tree: Tree | undefined, name: string) => Tree | undefined

function model(fold: (name: string) => string, pick: 'first' | 'last'): ReaderModel {
  return (tree, name) => {
    if (tree?.kind !== 'object') return undefined
    const isIt = ([found]: readonly [string, Tree]) => fold(found) === fold(name)
    const found = pick === 'first' ? tree.members.find(isIt) : tree.members.findLast(isIt)
    return found?.[1]
  }
}

const same = (name: string) => name
const lower = (name: string) => name.toLowerCase()
const simple = (name: string) =>
  name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase()
const trimmed = (name: string) => name.replaceAll(/^[\s\0]+|[\s\0]+$/g, '')
const cut = (name: string) => name.split('\0')[0] ?? ''
const compatible = (name: string) => name.normalize('NFKC')
const visible = (name: string) => name.replaceAll(/[\p{Cf}\p{Cc}]/gu, '')
const camel = (name: string) =>
  name.replaceAll(/_+([a-z])/g, (_all, letter: string) => letter.toUpperCase())

/** As V8 and Python read: the last of members with exactly this name. */
export const lastMember = model(same, 'last')

export const READER_MODELS: Readonly<Record<string, ReaderModel>> = {
  'V8 and Python: last': lastMember,
  first: model(same, 'first'),
  'Go before 2026: without case, last': model(simple, 'last'),
  'without case, first': model(lower, 'first'),
  'trimmed, last': model(trimmed, 'last'),
  'trimmed, first': model(trimmed, 'first'),
  'C strings: cut at NUL, last': model(cut, 'last'),
  'C strings: cut at NUL, first': model(cut, 'first'),
  'compatibility form, last': model(compatible, 'last'),
  'compatibility form, first': model(compatible, 'first'),
  'without invisible characters, last': model(visible, 'last'),
  'without invisible characters, first': model(visible, 'first'),
  'snake case allowed, last': model(camel, 'last'),
  'snake case allowed, first': model(camel, 'first'),
  'all of it, last': model((name) => lower(compatible(camel(visible(trimmed(name))))), 'last'),
}
