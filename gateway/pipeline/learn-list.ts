import { readAppPages } from '../mcp/app-pages.ts'
import { readHeaderParams } from '../mcp/header-params.ts'
import { readToolAnnotations } from '../mcp/tool-annotations.ts'
import type { Era, Target } from '../model/call.ts'
import type { Catalogue } from './catalogue.ts'

export type SeenList = {
  /** The response as the server sent it: what one caller may not see, another may. */
  readonly bytes: Uint8Array
  readonly listed: readonly Target[]
  readonly era: Era
}

/** Notes what a list says: which names exist, and of tools what they say they do, their pages and what is mirrored. */
export function learnList(catalogue: Catalogue, server: string, seen: SeenList): void {
  const { bytes, listed, era } = seen
  catalogue.learn(server, listed)
  if (!listed.some(({ kind }) => kind === 'tool')) return
  catalogue.learnTraits(server, listed, readToolAnnotations(bytes))
  catalogue.learnPages(server, readAppPages(bytes))
  if (era === 'modern') catalogue.learnParams(server, listed, readHeaderParams(bytes))
}
