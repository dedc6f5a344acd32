/**
 * The pages of the device flow (RFC 8628): a person types the code their device shows, confirms what it is
 * for, and goes on to sign in and decide as everywhere.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'

import type { Html } from '../pages/html.ts'
import { html, plainName } from '../pages/html.ts'
import { showPage } from '../pages/page.ts'
import { ROUTES } from './routes.ts'

/** How a code reads: easy to type, 34 bits. */
export const USER_CODE = { charset: 'base-20', mask: '****-****' } as const

/** What `oidc-provider` puts into the forms it offers, which is all that is taken over from them. */
const XSRF = /name="xsrf" value="([A-Za-z0-9_-]+)"/

/** Asks for the code. */
export function askUserCode(context: KoaContextWithOIDC, form: string, failed: boolean): void {
  // Codes that are wrong are counted, by what is answered.
  if (failed) context.status = 400
  const problem = failed
    ? html`<p class="note bad" role="alert">
        <strong>That did not work.</strong> The code is wrong, has ended, or was used already. Look
        at your device and type it again.
      </p>`
    : undefined
  show(
    context,
    'Connect a device',
    html`<h1>Connect a device</h1>
      <p>Type the code that your device or agent shows.</p>
      ${problem}
      <form method="post" action="${ROUTES.code_verification}">
        <input type="hidden" name="xsrf" value="${xsrfOf(form)}" />
        <label for="user_code">Code</label>
        <input
          type="text"
          id="user_code"
          name="user_code"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          required
          maxlength="16"
        />
        <div class="actions"><button class="main" type="submit">Go on</button></div>
      </form>
      <p class="soft">
        Nobody who calls or writes to you needs you to do this. Go on only if you started it
        yourself.
      </p>`,
  )
}

/** Asks whether the code is the one on the device. */
export function confirmUserCode(
  context: KoaContextWithOIDC,
  form: string,
  { name, code }: { readonly name: string; readonly code: string },
): void {
  show(
    context,
    'Connect a device',
    html`<h1>Is this your code?</h1>
      <p>${plainName(name)} shows this code where you started it:</p>
      <p class="code"><code>${code}</code></p>
      <p class="soft">Stop if it shows another one, or if somebody gave you this code.</p>
      <form method="post" action="${ROUTES.code_verification}">
        <input type="hidden" name="xsrf" value="${xsrfOf(form)}" />
        <input type="hidden" name="user_code" value="${code}" />
        <input type="hidden" name="confirm" value="yes" />
        <div class="actions">
          <button class="main" type="submit">Yes, it is</button>
          <button type="submit" name="abort" value="yes">No, stop</button>
        </div>
      </form>`,
  )
}

/** Says that the device can go on. */
export function showDeviceDone(context: KoaContextWithOIDC): void {
  show(
    context,
    'Done',
    html`<h1>Done</h1>
      <p>Your device goes on by itself. You can close this page.</p>`,
  )
}

/** Says that nothing was allowed. */
export function showDeviceStopped(context: KoaContextWithOIDC): void {
  show(
    context,
    'Stopped',
    html`<h1>Stopped</h1>
      <p>The device gets nothing. You can close this page.</p>`,
  )
}

function show(context: KoaContextWithOIDC, title: string, body: Html): void {
  const page = showPage({ title, body })
  for (let at = 0; at + 1 < page.headers.length; at += 2) {
    context.set(page.headers[at] ?? '', page.headers[at + 1] ?? '')
  }
  context.body = page.body
}

function xsrfOf(form: string): string {
  const xsrf = XSRF.exec(form)?.[1]
  if (xsrf === undefined) throw new Error('the form of the device flow has no xsrf value')
  return xsrf
}
