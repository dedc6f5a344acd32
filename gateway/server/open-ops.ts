/** The operators' port of this process: what is read and what is changed through it. */
import { createAdmin } from '../admin/admin.ts'
import type { Known } from '../admin/revocation-actions.ts'
import { grantRules } from '../policy/grant-rules.ts'
import type { Settings } from '../settings/settings.ts'
import type { House } from './house.ts'
import { formatProblem } from './load-all.ts'
import type { listenOps, OpsListener } from './ops.ts'
import type { Reloader } from './reload.ts'
import { readinessIn, type Status, toolsIn } from './status.ts'

export type OpsPortOptions = {
  /** Its address and the token of the admin API: those at the start, whatever is reloaded. */
  readonly ops: Settings['ops']
  readonly listenOps: typeof listenOps
  readonly reloader: Reloader
  readonly status: () => Status
}

/** Opens the ops port. Rejects with an Error that says what could not be listened on. */
export async function openOps(house: House, options: OpsPortOptions): Promise<OpsListener> {
  const { plant } = house
  const { ops, reloader, status } = options
  return await options.listenOps({
    host: ops.host,
    port: ops.port,
    metrics: plant.metrics.render,
    readiness: () => readinessIn(house, reloader.last),
    admin: createAdmin({
      token: ops.adminToken,
      revocations: plant.revocations,
      vault: () => ({
        book: house.current.vault.book,
        connect: house.current.vault.connect,
        resealKeys: plant.signingKeys.reseal,
      }),
      pins: plant.pins,
      clients: house.issuer?.clients,
      rotateSigningKeys: async () => {
        await plant.signingKeys.rotate()
        await house.issuer?.refresh()
        return plant.signingKeys.all().length
      },
      grants: plant.grants,
      grantRules: () => grantRules(house.current.rules),
      known: () => knownTo(house.current.settings),
      now: plant.now,
      emit: plant.emit,
      reload: async () => {
        const { ok, problems, notices } = await reloader.reload()
        return { ok, problems: problems.map(formatProblem), notices }
      },
      tools: () => toolsIn(house),
      status,
    }),
  })
}

function knownTo({ authorizationServer, issuers, apiKeys }: Settings): Known {
  return {
    issuers: [
      ...(authorizationServer === undefined ? [] : [authorizationServer.issuer]),
      ...issuers.map(({ issuer }) => issuer),
    ],
    apiKeyPrefixes: apiKeys.map(({ prefix }) => prefix),
  }
}
