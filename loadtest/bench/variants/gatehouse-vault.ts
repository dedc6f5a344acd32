/** The same Gatehouse, where every caller has connected an account whose token each call goes up with. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseKeyRing } from '../../../gateway/settings/key-ring.ts'
import { openSqliteStore } from '../../../gateway/state/sqlite.ts'
import { createBook } from '../../../gateway/vault/book.ts'
import { createEnvelopes } from '../../../gateway/vault/envelope.ts'
import { createRingWrap } from '../../../gateway/vault/key-wrap.ts'
import { TOKENS } from '../constants.ts'
import { ISSUER, subjectOf } from '../tokens.ts'
import { USUAL_SIZE } from './gatehouse-policy.ts'
import { startGatehouse, STATE_FILE } from './gatehouse.ts'
import type { Place, Running, Variant } from './variant.ts'

const PROVIDER = 'bench'

/** What a swap costs is measured against `GATEHOUSE`, which is why it stands in no table. */
export const GATEHOUSE_VAULT: Variant = {
  name: 'gatehouse + vault',
  needs: [],
  refuses: 'tokens_and_tools',
  start,
}

async function start(place: Place): Promise<Running> {
  const ring = `k1:${randomBytes(32).toString('base64url')}`
  writeFileSync(path.join(place.directory, 'ring'), ring)
  await connectAll(path.join(place.directory, STATE_FILE), ring)
  // Nobody is sent there: what is connected is good as long as the run.
  const url = 'https://provider.bench.example'
  const provider = { authorize_url: url, token_url: url, client: { id: 'gateway' } }
  return await startGatehouse(place, USUAL_SIZE, {
    server: { credential: { mode: 'vault', provider: PROVIDER } },
    sections: {
      keys: { file: 'ring' },
      providers: { [PROVIDER]: provider },
      authorization_server: 'embedded',
    },
  })
}

/** An account for everybody who will call. */
async function connectAll(file: string, ring: string): Promise<void> {
  const store = await openSqliteStore({ file, now: Date.now })
  const envelopes = createEnvelopes([createRingWrap(parseKeyRing(ring).keys)])
  const book = createBook(store, () => envelopes)
  const facts = {
    state: 'live',
    scopes: [],
    label: '',
    reason: undefined,
    connectedAtMs: Date.now(),
    refreshedAtMs: Date.now(),
    expiresAtMs: undefined,
  } as const
  const place = { tenant: 'default', issuer: ISSUER, provider: PROVIDER, account: 'default' }
  await Promise.all(
    Array.from({ length: TOKENS }, async (_, at) => {
      const tokens = { accessToken: randomBytes(32).toString('hex'), refreshToken: undefined }
      await book.connect({ ...place, subject: subjectOf(at + 1) }, facts, tokens)
    }),
  )
  await store.close()
}
