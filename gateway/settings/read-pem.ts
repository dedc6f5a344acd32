import type { Path } from '../model/problem.ts'
import type { Reading } from './reading.ts'

/** The absolute path of a PEM file with a certificate in it; what is wrong is reported. */
export async function readCertificate(
  reading: Reading,
  path: Path,
  file: string | undefined,
): Promise<string | undefined> {
  return readPem(reading, path, { file, label: /-----BEGIN CERTIFICATE-----/, what: 'certificate' })
}

/** The absolute path of a PEM file with an unencrypted private key in it; what is wrong is reported. */
export async function readPrivateKey(
  reading: Reading,
  path: Path,
  file: string | undefined,
): Promise<string | undefined> {
  const label = /-----BEGIN ((RSA|EC) )?PRIVATE KEY-----/
  return readPem(reading, path, { file, label, what: 'unencrypted private key' })
}

/** Catches files that were swapped or are of another format; whether they fit together shows later. */
async function readPem(
  reading: Reading,
  path: Path,
  wanted: { readonly file: string | undefined; readonly label: RegExp; readonly what: string },
): Promise<string | undefined> {
  if (wanted.file === undefined) return undefined
  const absolute = reading.absolute(wanted.file)
  const text = await reading.readText(path, wanted.file)
  if (text !== undefined && !wanted.label.test(text)) {
    reading.report(path, `${absolute} holds no PEM ${wanted.what}`)
  }
  return absolute
}
