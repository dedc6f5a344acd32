/**
 * The same bent requests to a gateway with the raw front and to one with node:http, as the same bytes: both
 * give the same answers, and the server behind the raw front sees only what policy allows.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { BENT_CONFIG, BENT_RULES, bentRequests, inParallel } from '../../testkit/bent-requests.ts'
import { forbidden, show } from '../../testkit/forbidden.ts'
import { fuzzOptions } from '../../testkit/fuzz.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../../testkit/gatehouse.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import type { RawConnection } from '../../testkit/raw-http.ts'
import { openRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const RUNS = fuzzOptions({
  what: 'bent HTTP requests to the raw front and to node:http',
  test: 500,
  prove: 15_000,
})
const COUNT = RUNS.numRuns

/** The raw front itself reads few requests that are bent by much. */
const BATCH = 100
/** Connections at a time to each of both; see `raw.fuzz.ts`. */
const PARALLEL = 25
/** How long each is listened to before it is seen whether both have said the same. */
const ROUND_MS = 8
/** Rounds of silence that mean that both wait for more of a request; few do. */
const SILENT_ROUNDS = 60
/** On a busy machine one of both may answer so many rounds later. */
const MAX_ROUNDS = 2_000
/** Longer than all of it takes. */
const TOKEN_SECONDS = 3_600

/**
 * What is told of bytes that are no request. When they lie behind one, its answer may be out before or not,
 * and of those that are handed over fewer are.
 */
const UNREADABLE = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

let servers: readonly RecordingServer[] = []
let raw: TestGatehouse
let node: TestGatehouse
let token: string

/** Where they listen; both think that they are the former. */
const ports = { raw: 0, node: 0 }

before(async () => {
  servers = [await startRecordingServer(), await startRecordingServer()]
  const [rawServer, nodeServer] = servers
  raw = await startGatehouse({
    servers: { docs: rawServer!.url },
    rules: BENT_RULES,
    config: ({ port }) => configOf('raw', port),
  })
  node = await startGatehouse({
    servers: { docs: nodeServer!.url },
    rules: BENT_RULES,
    config: ({ port }) => ({
      ...configOf('node', port),
      public_url: raw.origin,
      issuers: [{ issuer: ISSUER, jwks: { keys: [raw.signer.jwk] }, kind: 'agent' }],
    }),
  })
  token = await raw.token('docs', { expiresInSeconds: TOKEN_SECONDS })
})

after(() => stopAll(raw, node, ...servers))

function configOf(front: 'raw' | 'node', port: number): Readonly<Record<string, unknown>> {
  ports[front] = port
  // A minute has sixty new sessions, and does not begin for both at the same time.
  return { ...BENT_CONFIG, listen: { port, front }, limits: { initialize: 'none' } }
}

test(`${COUNT} bent requests are answered alike by both fronts, and pass the raw one only as policy allows`, async () => {
  const client = createRawClient(raw.url('docs'), token)
  const cases = bentRequests(client, { count: COUNT, seed: RUNS.seed })
  const { origin, seen: wentUp } = servers[0]!
  let answered = 0
  let early = 0
  let passed = 0
  for (let from = 0; from < cases.length; from += BATCH) {
    const batch = cases.slice(from, from + BATCH)
    for (const [at, [here, there]] of (await inParallel(batch, PARALLEL, askBoth)).entries()) {
      if (here.answers !== '') answered += 1
      if (isEarly(here, there)) early += 1
      else
        assert.deepEqual(told(here), told(there), `case ${from + at}: ${JSON.stringify(batch[at])}`)
    }
    for (const seen of wentUp.splice(0)) {
      passed += 1
      const why = forbidden(seen, { origin, token })
      assert.equal(why, undefined, `cases ${from} to ${from + BATCH}: ${show(seen)}`)
    }
    servers[1]!.seen.length = 0
  }
  console.log(`${answered} of ${COUNT} answered, ${early} refused early, ${passed} went up`)
  assert.ok(answered > COUNT / 2, 'enough was answered to show something')
  assert.ok(early < COUNT / 20, 'the fronts differ in little')
  assert.ok(passed > COUNT / 20, 'enough was served to show something')
  for (const { child } of [raw, node])
    assert.doesNotMatch(child.output(), /fault|"level":"error"|UnhandledPromise/)
})

/** A connection that is to be kept is closed some time later, at either front. */
type Said = {
  readonly answers: string
  readonly isClosed: boolean
  /** Whether it has been closed, sooner or later. */
  readonly hasEnded: boolean
}

/** What both must say alike: when a connection is closed that is to be kept is another matter. */
function told({ answers, isClosed }: Said): Omit<Said, 'hasEnded'> {
  return { answers, isClosed }
}

/** Sends both the same bytes, and reads until both have said the same and are silent. */
async function askBoth(text: string): Promise<readonly [Said, Said]> {
  const [here, there] = await Promise.all([ports.raw, ports.node].map(connectTo))
  const bytes = Buffer.from(text, 'latin1')
  here!.write(bytes)
  there!.write(bytes)
  let before = ''
  for (let round = 0; ; round += 1) {
    const [said, other] = [await hear(here!), await hear(there!)]
    const isSame = said.answers === other.answers && said.isClosed === other.isClosed
    const isQuiet = said.answers === before && (before !== '' || round > SILENT_ROUNDS)
    if ((isSame && (said.isClosed || isQuiet)) || isEarly(said, other) || round > MAX_ROUNDS) {
      here!.end()
      there!.end()
      return [said, other]
    }
    before = said.answers
  }
}

/**
 * Whether the raw front refused what is unreadable before the answer to what came before it was out: it says
 * no more, or that, and closes.
 */
function isEarly(here: Said, there: Said): boolean {
  const isRefused = here.answers.endsWith(UNREADABLE)
  const before = isRefused ? here.answers.slice(0, -UNREADABLE.length) : here.answers
  const isLess = there.answers.length > before.length && there.answers.startsWith(before)
  return here.hasEnded && isLess && there.answers !== here.answers
}

function connectTo(port: number): Promise<RawConnection> {
  return openRaw(`http://127.0.0.1:${port}`)
}

/** Everything that was said so far, but for when. */
async function hear(connection: RawConnection): Promise<Said> {
  const hasEnded = await connection.closes(ROUND_MS)
  const answers = connection.rest
    .replaceAll(/^date: .*\r\n/gim, '')
    .replaceAll(/^(mcp-session-id): .*/gim, '$1')
  const isClosed = hasEnded && !answers.includes('Connection: keep-alive')
  return { answers, isClosed, hasEnded }
}
