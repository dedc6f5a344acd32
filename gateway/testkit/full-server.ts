/** A server that accepts no connection: it listens, is busy for ever, and its queue is full. */
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

export type FullServer = { readonly url: string; stop(): Promise<void> }

/** Kernels let a few more wait than they are asked for. */
const QUEUED = 8

/** Listens with room for one, says where, and never does anything again. */
const BUSY = `
const { createServer } = require('node:net')
const { parentPort } = require('node:worker_threads')
const server = createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

export async function startFullServer(): Promise<FullServer> {
  const worker = new Worker(BUSY, { eval: true })
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  worker.unref()
  const queued = Array.from({ length: QUEUED }, (): Socket => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    return socket
  })
  await new Promise((resolve) => queued[0]?.once('connect', resolve))
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    stop: async () => {
      for (const socket of queued) socket.destroy()
      await worker.terminate()
    },
  }
}
