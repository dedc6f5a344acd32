/**
 * `make bench-tokens`: the authorization server under the tokens of 1,000 agents, and what 500 registrations a second
 * do to the calls of those who have one. One gateway process; figures of a quiet machine only. `--quick` tries it.
 */
import { parseArgs } from 'node:util'
import { startGenerator } from '../generator-client.ts'
import { describeMachine } from '../machine.ts'
import { createRandom } from '../random.ts'
import { createSay } from '../say.ts'
import { DIRECTORY, prepareWorkplace } from '../setup.ts'
import { startStubs } from '../stub.ts'
import { FULL, QUICK } from './constants.ts'
import { gatherFleet } from './fleet.ts'
import { startIssuing } from './gateway.ts'
import { measure } from './measure.ts'
import { report } from './report.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } },
})
const say = createSay()
const { tools, processes } = await prepareWorkplace()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void processes.stopAll().then(() => process.exit(130)))
}
console.log([...describeMachine(tools), `seed      ${values.seed}`].join('\n'))
try {
  const { calls: upstream } = await startStubs({ directory: DIRECTORY, processes, tools })
  const issuing = await startIssuing({ directory: DIRECTORY, processes, upstream })
  say('agents register')
  const measured = await measure({
    issuing,
    fleet: await gatherFleet(issuing, DIRECTORY),
    durations: values.quick ? QUICK : FULL,
    generators: [await startGenerator(processes), await startGenerator(processes, 'registrar')],
    random: createRandom(Number(values.seed)),
    say,
  })
  console.log(`\n${report(measured)}`)
} finally {
  await processes.stopAll()
  say('done')
}
