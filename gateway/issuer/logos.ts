/**
 * The pictures of servers, which operators put beside the configuration: served from our own origin under the hash
 * of what they are, so that a page may show them and nothing else, and nobody outside learns who looks.
 */
import type { ServerResponse } from 'node:http'

import type { Logo } from '../model/consent-words.ts'
import type { Html } from '../pages/html.ts'
import { html } from '../pages/html.ts'
import { LOGOS_PATH } from './routes.ts'
import type { Setup } from './setup.ts'

/** The name beside it says what it is. */
export function showLogo({ digest }: Logo): Html {
  return html`<img class="logo" src="${LOGOS_PATH + digest}" alt="" width="40" height="40" />`
}

/** The logo at a path; undefined for any other path. */
export function findLogo(path: string, { servers }: Pick<Setup, 'servers'>): Logo | undefined {
  if (!path.startsWith(LOGOS_PATH)) return undefined
  const digest = path.slice(LOGOS_PATH.length)
  return servers.find(({ words }) => words?.logo?.digest === digest)?.words?.logo
}

/** What has another content has another address, so browsers may keep it. */
export function sendLogo(response: ServerResponse, { type, base64 }: Logo): void {
  const bytes = Buffer.from(base64, 'base64')
  const headers = {
    'content-type': type,
    'content-length': bytes.length,
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, max-age=86400, immutable',
  }
  response.writeHead(200, headers).end(bytes)
}
