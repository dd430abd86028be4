import { type Logger, pino } from 'pino'

type PlainError = { type: string; message: string; code?: unknown; stack?: string; cause?: string }

function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { name, message, stack, cause } = error
  const code = (error as { code?: unknown }).code
  return {
    type: name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack }),
    ...(cause instanceof Error ? { cause: cause.message } : {}),
  }
}

/** JSON lines on stderr, or readable ones in a terminal. Keys and passwords never get here; if one does, it is struck out. */
export function createLog(level: string): Logger {
  const options = {
    level,
    base: null,
    // An error of the driver carries its whole connection, secrets included.
    serializers: { err: plainError },
    redact: ['req.headers.authorization', 'headers.authorization', '*.password', '*.key'],
  }
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: false }))
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
  })
}
