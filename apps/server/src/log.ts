import { type Logger, pino } from 'pino'

/** JSON lines on stderr, or readable ones in a terminal. Keys and passwords never get here; if one does, it is struck out. */
export function createLog(level: string): Logger {
  const options = {
    level,
    base: null,
    redact: ['req.headers.authorization', 'headers.authorization', '*.password', '*.key'],
  }
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: false }))
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
  })
}
