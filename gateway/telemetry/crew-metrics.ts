import type { Definition } from './definitions.ts'

/** What a supervisor says of its workers, where there are several; documented with all others. */
export const CREW_METRICS = {
  workers: {
    name: 'gatehouse_workers',
    type: 'gauge',
    labels: [],
    help: 'Workers that serve the port; fewer than configured while one is being replaced',
  },
  restarts: {
    name: 'gatehouse_worker_restarts_total',
    type: 'counter',
    labels: [],
    help: 'Workers that ended and were replaced',
  },
} as const satisfies Record<string, Definition>

/** The two in the text format; ends with a newline. */
export function crewMetrics(counts: {
  readonly workers: number
  readonly restarts: number
}): string {
  const lines = (['workers', 'restarts'] as const).flatMap((which) => {
    const { name, type, help } = CREW_METRICS[which]
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${counts[which]}`]
  })
  return `${lines.join('\n')}\n`
}
