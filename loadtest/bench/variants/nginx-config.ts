/** The parts that every nginx of the bench has in common. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Processes, Started } from '../processes.ts'

/** More than the idle streams need on both sides. */
const MAX_DESCRIPTORS = 20_000

/** One nginx and what it serves. */
export type NginxProgram = {
  readonly name: string
  readonly directory: string
  readonly core: number
  readonly port: number
  /** Blocks inside `http`. */
  readonly http: string
  readonly processes: Processes
}

/** Starts a master with one worker in its own directory, logging errors only. */
export function startNginx(program: NginxProgram): Promise<Started> {
  const { name, directory, core, port } = program
  const file = path.join(directory, 'nginx.conf')
  writeFileSync(file, config(directory, program.http))
  const args = ['-p', directory, '-c', file, '-e', 'stderr']
  return program.processes.start({ name, command: 'nginx', args, core, port })
}

/**
 * A `location` body that forwards with HTTP/1.1 and keep-alive. Streams are passed on as they come:
 * the stub says `X-Accel-Buffering: no` on them.
 *
 * @param host What is said to have been asked for.
 */
export function forwardTo(upstreamName: string, host = '$host'): string {
  return `
        proxy_pass http://${upstreamName};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host ${host};
        proxy_read_timeout 300s;`
}

/** An `upstream` block with room for every connection of the load; several addresses take turns. */
export function upstreamBlock(name: string, ...addresses: readonly string[]): string {
  return `
    upstream ${name} {
      ${addresses.map((address) => `server ${address};`).join('\n      ')}
      keepalive 128;
      keepalive_requests 1000000000;
    }`
}

function config(directory: string, http: string): string {
  return `
daemon off;
worker_processes 1;
worker_rlimit_nofile ${MAX_DESCRIPTORS};
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections ${MAX_DESCRIPTORS / 2}; }
http {
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    client_body_temp_path ${directory}/body;
    proxy_temp_path ${directory}/proxy;
    fastcgi_temp_path ${directory}/fastcgi;
    uwsgi_temp_path ${directory}/uwsgi;
    scgi_temp_path ${directory}/scgi;
${http}
}
`
}
