import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { MAIL_FILES_MAX } from '../limits.ts'
import type { Carrier, Letter } from './letter.ts'

/** Instead of a mail server: each e-mail as a file that mail programs open. They hold links that let people in. */
export function mailFolder(dataDir: string): Carrier {
  const folder = join(dataDir, 'mail')
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  let written = 0
  return {
    goesTo: folder,
    async carry(letter) {
      written += 1
      const name = fileName(letter, written)
      const { message } = await transport.sendMail(letter)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700)
      await writeFile(join(folder, name), message as Buffer, { mode: 0o600, flag: 'wx' })
      await removeOldest(folder)
    },
  }
}

/** In the order in which they were written. Two nodes on one folder may write at the same moment, but not to one address. */
function fileName({ date, to }: Letter, number: number): string {
  const time = date.toISOString().replaceAll(':', '-')
  const address = to.address.replaceAll(/[^A-Za-z0-9@._+-]/g, '_').slice(0, 100)
  return `${time}-${String(number).padStart(4, '0')}-${address}.eml`
}

async function removeOldest(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort()
  const old = names.slice(0, Math.max(0, names.length - MAIL_FILES_MAX))
  await Promise.all(old.map((name) => rm(join(folder, name), { force: true })))
}
