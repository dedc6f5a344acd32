import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Authority } from './certificates.ts'

/** Runs `work` with the certificate of an authority in a file that is there as long. */
export async function withCaFile(
  authority: Authority,
  work: (file: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-ca-'))
  const file = join(directory, 'ca.pem')
  await writeFile(file, authority.cert)
  try {
    await work(file)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
