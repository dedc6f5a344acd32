/**
 * Connecting in one visit: a person signs in, allows a client, connects the accounts that the server works
 * with and is back at the client, all in one browser and none of it in another.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { FormRobot, type Shown } from '../testkit/form-robot.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import { PASSWORD, startOffice, type Office, type Person } from '../testkit/office.ts'
import { connectAuto } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

let office: Office

before(async () => {
  office = await startOffice()
})

after(() => stopAll(office))

/** A person in the middle of an authorization, in a browser of their own unless one is given. */
async function begin(name: Person, robot = new FormRobot()) {
  const { gateway } = office
  const agent = new OauthAgent(gateway.origin)
  const { json: client } = await agent.register()
  const url = agent.authorizeUrl(client.client_id, { resource: gateway.url('office') })
  const first = await robot.open(url)
  const isSignedIn = !first.text.includes('name="password"')
  const consent = isSignedIn
    ? first
    : await robot.submit(first, { name, password: PASSWORD, do: 'sign-in' })
  const redeem = async (done: Shown): Promise<string> => {
    const code = clientUrl(done).searchParams.get('code') ?? ''
    const { json } = await agent.redeem(client.client_id, code)
    return json.access_token
  }
  return { robot, consent, redeem }
}

/** Where the browser was sent outside of the gateway. */
function clientUrl(page: Shown): URL {
  const url = new URL(page.headers.get('location') ?? 'none:', page.url)
  assert.ok(url.href.startsWith('http://127.0.0.1:9/callback?'), `${page.url} ${page.text}`)
  return url
}

/** The link with these words. */
function linkOf({ text, url }: Shown, words: string): string {
  const href = new RegExp(`<a[^>]*href="([^"]+)"[^>]*>\\s*${words}`).exec(text)?.[1]
  assert.ok(href, text)
  return new URL(href, url).href
}

/** To the page of the provider, and the choice of an account there; returns where it sends the browser. */
async function choose(offer: Shown, name: Person, robot: FormRobot): Promise<string> {
  const away = await robot.submit(offer, {})
  const picker = await robot.open(away.headers.get('location') ?? '')
  const forms = picker.text.match(/<form[\s\S]*?<\/form>/g) ?? []
  const text = forms.find((form) => form.includes(`${name}@example.com`)) ?? ''
  const chosen = await robot.submit({ ...picker, text }, {})
  return chosen.headers.get('location') ?? ''
}

async function call(token: string, name: string, args: Record<string, string>): Promise<string> {
  const client = await connectAuto(office.gateway.url('office'), token)
  try {
    const { content } = await client.callTool({ name, arguments: args })
    return (content as { text: string }[])[0]?.text ?? ''
  } finally {
    await client.close()
  }
}

test('One sign-in, one consent, two connections: back at the client, whose first calls need no link', async () => {
  const { robot, consent, redeem } = await begin('alice')
  const said = consent.text.replaceAll(/\s+/g, ' ')
  assert.match(said, /<strong>Google<\/strong>, not connected yet\. office uses it in your name\. /)
  assert.match(
    said,
    /<strong>Slack<\/strong>, not connected yet\. office uses it in your name for /,
  )
  assert.match(said, /in your name for <code>post_to_slack<\/code>\./)
  assert.match(said, /<code>https:\/\/www\.googleapis\.com\/auth\/drive\.readonly<\/code>/)

  const google = await robot.submit(consent, { do: 'allow' })
  assert.match(google.text, /<h1>Connect your Google account<\/h1>/)
  assert.ok(!google.text.includes('<script'))
  const slack = await robot.open(await choose(google, 'alice', robot))
  assert.match(slack.text, /<h1>Connect your Slack account<\/h1>/)
  const done = await robot.open(await choose(slack, 'alice', robot))
  const back = clientUrl(done)
  assert.equal(back.searchParams.get('state'), 'state-1')
  assert.equal(back.searchParams.get('iss'), office.gateway.origin)

  const token = await redeem(done)
  assert.equal(await call(token, 'search_drive', { query: 'report' }), 'report of alice')
  assert.equal(await call(token, 'post_to_slack', { text: 'hello' }), 'posted as alice')

  // The next client finds both connected and is not kept waiting.
  const next = await begin('alice', robot)
  assert.equal(next.consent.text.match(/<\/strong>, connected\./g)?.length, 2)
  clientUrl(await robot.submit(next.consent, { do: 'allow' }))

  const access = await robot.open(`${office.gateway.origin}/oauth/access`)
  const own = await robot.open(linkOf(access, 'See which are connected'))
  assert.match(own.text, /Accounts that servers may use for you/)
  const again = await robot.open(linkOf(own, 'See which applications'))
  assert.match(again.text, /Applications that may act for you/)
})

test('A denial leads back into the visit, as often as the person likes, and what is left out is asked for later', async () => {
  const { robot, consent, redeem } = await begin('bob')
  let offer = await robot.submit(consent, { do: 'allow' })
  for (let attempt = 0; attempt < 2; attempt++) {
    const away = await robot.submit(offer, {})
    const state = new URL(away.headers.get('location') ?? '').searchParams.get('state')
    const callback = `${office.gateway.origin}/connect/google/callback`
    const denied = await robot.open(`${callback}?error=access_denied&state=${state}`)
    assert.match(denied.text, /Google said: access_denied/)
    // The link was used; the page it is on still knows the way.
    const stale = await robot.submit(offer, {})
    assert.match(stale.text, /This link has ended/)
    assert.equal(linkOf(stale, 'Try again'), linkOf(denied, 'Try again'))
    offer = await robot.open(linkOf(denied, 'Try again'))
    assert.match(offer.text, /Connect your Google account/)
  }
  const slack = await robot.open(linkOf(offer, 'Not now'))
  assert.match(slack.text, /Connect your Slack account/)
  const token = await redeem(await robot.open(linkOf(slack, 'Not now')))
  assert.match(await call(token, 'search_drive', { query: 'report' }), /\/connect\/google\?ticket=/)
})

test('Another browser can neither go on with the visit nor put an account of its own into it', async () => {
  const { robot, consent, redeem } = await begin('bob')
  const google = await robot.submit(consent, { do: 'allow' })
  const step = linkOf(google, 'Not now')
  const alice = (await begin('alice')).robot
  for (const other of [new FormRobot(), alice]) {
    assert.equal((await other.open(step)).status, 403)
    assert.equal((await other.open(step.replace(/\d+$/, '99'))).status, 403)
  }
  const link = await alice.open(google.url)
  assert.match(link.text, /This link is not for you/)
  assert.ok(!link.text.includes('Not now'))

  // Alice's account, chosen in Alice's visit, is brought to Bob's browser, which is in the middle of its own.
  const hers = await begin('alice')
  const access = await hers.robot.open(`${office.gateway.origin}/connect/google`)
  const planted = await choose(access, 'alice', hers.robot)
  await robot.submit(google, {})
  const refused = await robot.open(planted)
  assert.equal(refused.status, 400)
  assert.match(refused.text, /This was not begun in this browser by the person who is signed in/)

  const again = await robot.open(linkOf(refused, 'Go on with what you were doing'))
  assert.match(again.text, /Connect your Google account/)
  const slack = await robot.open(linkOf(again, 'Not now'))
  const token = await redeem(await robot.open(linkOf(slack, 'Not now')))
  assert.match(await call(token, 'search_drive', { query: 'report' }), /\/connect\/google\?ticket=/)
})

test('Nobody is led past the decision: the pages after it ask for it first', async () => {
  const { robot, consent } = await begin('bob')
  const early = await robot.open(`${consent.url}/connect/5`)
  assert.equal(early.url, consent.url)
  assert.match(early.text, /Allow<\/button>/)
  const refused = await robot.submit(early, { do: 'deny' })
  assert.equal(clientUrl(refused).searchParams.get('error'), 'access_denied')
})
