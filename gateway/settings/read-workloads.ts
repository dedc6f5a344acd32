/** `authorization_server.workloads`: the platforms that say which of their programs asks, and whom they may mean. */
import type { Workload, WorkloadIssuer } from '../model/authorization-rules.ts'
import type { Path } from '../model/problem.ts'
import type {
  AuthorizationServerFile,
  WorkloadFile,
  WorkloadIssuerFile,
} from './authorization-server-file.ts'
import type { ConfigFile } from './config-file.ts'
import { readSigned } from './read-signed.ts'
import type { Reading } from './reading.ts'
import { reportUnknown } from './report-unknown.ts'

/** Tokens of platforms are files in a container, or made for one run. */
const MAX_LIFE_MS = 24 * 60 * 60_000

/** The platforms by name; what is wrong with one is reported. */
export async function readWorkloads(
  reading: Reading,
  config: ConfigFile,
  { at, file }: { readonly at: Path; readonly file: AuthorizationServerFile },
): Promise<ReadonlyMap<string, WorkloadIssuer>> {
  const platforms = new Map<string, WorkloadIssuer>()
  for (const [name, platform] of Object.entries(file.workloads)) {
    const here = [...at, 'workloads', name]
    if (name === 'local' || Object.hasOwn(file.sign_in, name)) {
      reading.reportKey(here, 'ids of people begin with this name; programs need another one')
    }
    const same = [...platforms.values()].find(({ issuer }) => issuer === platform.issuer)
    if (same !== undefined) reading.report([...here, 'issuer'], `is that of ${same.name} already`)
    if (!platform.single_use) {
      const copied = 'whoever copies one of its tokens can use it here until it ends'
      reading.warn([...here, 'single_use'], copied)
    }
    for (const [index, workload] of platform.accept.entries()) {
      reportWorkload(reading, config, { at: [...here, 'accept', index], workload, file })
    }
    const signed = await readSigned(reading, here, { file: platform, mostMs: MAX_LIFE_MS })
    if (signed !== undefined) platforms.set(name, { ...signed, ...platformOf(name, platform) })
  }
  return platforms
}

function reportWorkload(
  reading: Reading,
  config: ConfigFile,
  {
    at,
    workload,
    file,
  }: { at: Path; workload: WorkloadFile; file: Pick<AuthorizationServerFile, 'clients'> },
): void {
  reportUnknown(reading, config, { at: [...at, 'servers'], names: workload.servers ?? [] })
  if (Object.hasOwn(file.clients, workload.client)) {
    reading.report([...at, 'client'], `clients has a ${workload.client}, which has its own secret`)
  }
}

function platformOf(
  name: string,
  { issuer, audiences, single_use: singleUse, accept }: WorkloadIssuerFile,
): Pick<WorkloadIssuer, 'name' | 'issuer' | 'audiences' | 'singleUse' | 'accept'> {
  return { name, issuer, audiences, singleUse, accept: accept.map(workloadOf) }
}

function workloadOf({ claims, scopes, servers, ...rest }: WorkloadFile): Workload {
  return {
    ...rest,
    servers,
    claims: new Map(Object.entries(claims)),
    scopes: scopes.length === 0 ? undefined : scopes,
  }
}
