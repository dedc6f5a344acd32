import { FormRobot } from './form-robot.ts'
import { signIn } from './oauth-agent.ts'

/** Types a code into the page for devices, signs in and allows everything. @returns the last page. */
export async function typeDeviceCode(page: string, code: string): Promise<string> {
  const robot = new FormRobot()
  const asked = await robot.open(page)
  const confirm = await robot.submit(asked, { user_code: code })
  const consent = await signIn(robot, await robot.submit(confirm, {}))
  return (await robot.submit(consent, { do: 'allow' })).text
}
