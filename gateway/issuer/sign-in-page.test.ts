import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { SignInPage } from './sign-in-page.ts'
import { showSignIn } from './sign-in-page.ts'

const PAGE: SignInPage = {
  action: '/oauth/ui/u1',
  formToken: 'token of the form',
  client: 'Report Agent',
  hasPasswords: false,
  providers: [{ title: 'Corp', href: '/oauth/ui/u1/with/corp' }],
  failed: 'no',
  formTargets: [],
}

test('Who signs in elsewhere alone types nothing here, and can go back to the application', () => {
  const { body } = showSignIn(PAGE)
  assert.match(body, /Sign in with Corp/)
  assert.match(body, /value="token of the form"[\s\S]*value="cancel"/)
  assert.doesNotMatch(body, /name="password"|value="sign-in"/)
})

test('Who came alone has nowhere to go back to, and no form where there is nothing to type', () => {
  const alone = { ...PAGE, client: undefined }
  assert.doesNotMatch(showSignIn(alone).body, /<form/)
  const { body } = showSignIn({ ...alone, hasPasswords: true })
  assert.match(body, /value="sign-in"/)
  assert.doesNotMatch(body, /value="cancel"/)
})

test('Only who has signed out just now is told so', () => {
  assert.match(showSignIn({ ...PAGE, isSignedOut: true }).body, /You are signed out/)
  assert.doesNotMatch(showSignIn(PAGE).body, /signed out/)
})
