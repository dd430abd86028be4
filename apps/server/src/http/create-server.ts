import http, { type RequestListener, type Server } from 'node:http'
import {
  CONNECTIONS_CHECK_MS,
  HEADERS_BYTES_MAX,
  HEADERS_COUNT_MAX,
  HEADERS_MS_MAX,
  IDLE_CONNECTION_MS_MAX,
  REQUEST_MS_MAX,
} from '../limits.ts'

/** How long a sender may take, in milliseconds. */
export type Patience = { headers: number; request: number; idle: number; check: number }

const PATIENCE: Patience = {
  headers: HEADERS_MS_MAX,
  request: REQUEST_MS_MAX,
  idle: IDLE_CONNECTION_MS_MAX,
  check: CONNECTIONS_CHECK_MS,
}

/** Node's server with our bounds: what is too large or too slow never becomes a request. */
export function createServer(listener: RequestListener, patience: Patience = PATIENCE): Server {
  const server = http.createServer(
    {
      maxHeaderSize: HEADERS_BYTES_MAX,
      headersTimeout: patience.headers,
      requestTimeout: patience.request,
      keepAliveTimeout: patience.idle,
      // Node looks every 30 seconds if not told otherwise, and would let a slow sender have those as well.
      connectionsCheckingInterval: patience.check,
    },
    (request, response) => {
      const { socket } = request
      if (socket.timeout !== 0) socket.setTimeout(0)
      listener(request, response)
    },
  )
  // Node's own clocks start with the first byte: who connects and never sends one would stay for ever.
  server.on('connection', (socket) => socket.setTimeout(patience.headers))
  server.maxHeadersCount = HEADERS_COUNT_MAX
  return server
}
