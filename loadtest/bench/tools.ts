/** The programs of others that the bench measures or measures with, and how one gets them. */
import { execFileSync } from 'node:child_process'

/** Command names. */
export type ToolName = 'nginx' | 'haproxy' | 'wrk' | 'taskset'

type Tool = {
  readonly name: ToolName
  /** Debian package that brings it. */
  readonly apt: string
  readonly versionArgument: string
  readonly without: string
}

const TOOLS: readonly Tool[] = [
  { name: 'nginx', apt: 'nginx-light', versionArgument: '-v', without: 'its rows are left out' },
  { name: 'haproxy', apt: 'haproxy', versionArgument: '-v', without: 'its row is left out' },
  { name: 'wrk', apt: 'wrk', versionArgument: '-v', without: "Node's own generator stands in" },
  {
    name: 'taskset',
    apt: 'util-linux',
    versionArgument: '-V',
    without: 'nothing is pinned to a core and figures mean less',
  },
]

/** What is installed here. */
export type Toolbox = {
  /** Installed tools and their versions. */
  readonly versions: ReadonlyMap<ToolName, string>
  has(name: ToolName): boolean
  /** One line per missing tool: what it costs and how to get it. */
  readonly missing: readonly string[]
}

/** Asks every tool for its version. */
export function findTools(): Toolbox {
  const versions = new Map<ToolName, string>()
  for (const tool of TOOLS) {
    const version = versionOf(tool)
    if (version !== undefined) versions.set(tool.name, version)
  }
  return {
    versions,
    has: (name) => versions.has(name),
    missing: TOOLS.filter((tool) => !versions.has(tool.name)).map(
      (tool) => `${tool.name} is missing: ${tool.without} (apt install ${tool.apt})`,
    ),
  }
}

/** The first version number a tool prints, on whichever stream and with whichever exit code. */
function versionOf(tool: Tool): string | undefined {
  const script = `PATH="$PATH:/usr/sbin:/sbin" "$0" "$1" 2>&1; exit 0`
  const output = execFileSync('sh', ['-c', script, tool.name, tool.versionArgument], {
    encoding: 'utf8',
  })
  return /\d+\.\d+(?:\.\d+)?/.exec(output)?.[0]
}
