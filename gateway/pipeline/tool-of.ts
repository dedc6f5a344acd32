import type { Target } from '../model/call.ts'

/** The tool that a target is about: itself, or the one whose call made the task. */
export function toolOf({ kind, name, task }: Target): string | undefined {
  return kind === 'tool' ? name : task?.tool
}
