import { readFile } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { PASSWORD_INPUT_BYTES_MAX } from './limits.ts'
import { UsageError } from './usage-error.ts'

/**
 * A password from a file, from what is piped in, or from whoever sits at the terminal, who types it
 * twice and does not see it. Never from an argument: those are in the list of processes and in the
 * shell's history.
 * @throws UsageError
 */
export async function askPassword(file: string | undefined): Promise<string> {
  const text = file === undefined ? await fromInput() : await fromFile(file)
  if (text === '') throw new UsageError('The password is empty.')
  return text
}

async function fromFile(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`The file of the password cannot be read: ${error.message}`)
  })
  return firstLine(text)
}

async function fromInput(): Promise<string> {
  return process.stdin.isTTY ? typedTwice() : firstLine(await readAll())
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > PASSWORD_INPUT_BYTES_MAX) throw new UsageError('That is no password: too long.')
  }
  return Buffer.concat(chunks).toString('utf8')
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0]!
}

/** What is typed goes nowhere but to the program. */
async function typedTwice(): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  // The terminal stops to show what is typed when this is made: before anybody is asked.
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  const cancelled = new AbortController()
  terminal.once('SIGINT', () => cancelled.abort())
  terminal.once('close', () => cancelled.abort())
  try {
    const password = await answer(terminal, 'Password: ', cancelled.signal)
    const again = await answer(terminal, 'Again: ', cancelled.signal)
    if (again !== password) throw new UsageError('The two are not the same.')
    return password
  } finally {
    terminal.close()
  }
}

async function answer(terminal: Interface, question: string, signal: AbortSignal): Promise<string> {
  process.stderr.write(question)
  try {
    return await terminal.question('', { signal })
  } catch {
    throw new UsageError('Cancelled.')
  } finally {
    process.stderr.write('\n')
  }
}
