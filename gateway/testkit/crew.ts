/** A gateway of several workers, seen from outside. */
import { readFile } from 'node:fs/promises'

import type { TestGatehouse } from './gatehouse.ts'

export type TestWorker = { readonly slot: number; readonly pid: number }

/** The workers that are up, as `gatehouse status` lists them. */
export async function workersOf(gateway: TestGatehouse): Promise<readonly TestWorker[]> {
  const { json } = await gateway.admin('GET', '/admin/status')
  const workers = (json['workers'] ?? []) as readonly { worker: string; process: string }[]
  return workers.map(({ worker, process }) => ({ slot: numberIn(worker), pid: numberIn(process) }))
}

/** The audit files of so many workers. */
export function auditFiles({ auditFile }: TestGatehouse, workers: number): readonly string[] {
  return Array.from({ length: workers }, (_, at) => auditFile.replace('.jsonl', `.${at + 1}.jsonl`))
}

/** Audit lines of one worker. */
export async function auditLines(file: string): Promise<readonly string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
}

function numberIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0])
}
