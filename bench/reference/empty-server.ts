import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Node's own HTTP server that parses the same body and decides nothing: what any server costs here. */
const ANSWER = { event_id: '0123456789abcdef', decision: 'allowed', reason: null, replayed: false }

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'))
    const body = JSON.stringify(ANSWER)
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  })
})

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit())
