import { PermanentFailure } from '../lib/permanent-failure.ts'
import { MAIL_SUBJECT_CHARS_MAX } from '../limits.ts'

export type Mail = { to: string; subject: string; text: string; attachments?: Attachment[] }
/** A file that goes with a letter, held in memory. */
export type Attachment = { filename: string; contentType: string; content: Buffer }

/** What is sent, ready to be written out: nothing in it can begin a header or name another recipient. */
export type Letter = {
  from: string
  to: { name: string; address: string }
  subject: string
  text: string
  date: Date
  headers: Record<string, string>
  attachments: Attachment[]
}

/** One way for letters to leave. `goesTo` says where, for people to read; without a password. */
export type Carrier = { carry(letter: Letter): Promise<void>; readonly goesTo: string }

/** @throws PermanentFailure */
export function letterOf(mail: Mail, from: string, now: number): Letter {
  if (!ONE_ADDRESS.test(mail.to)) {
    throw new PermanentFailure(`not an e-mail address: ${JSON.stringify(mail.to)}`)
  }
  return {
    from,
    to: { name: '', address: mail.to },
    subject: oneLine(mail.subject),
    text: mail.text,
    attachments: mail.attachments ?? [],
    date: new Date(now),
    // So that a vacation notice does not answer a machine.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  }
}

/** As in `somebody@example.com`: no name, no list, no quotes. What our own schema lets in passes. */
const ONE_ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]{1,64}@[^\s\p{Cc}<>()[\]\\,;:"@]{1,255}$/u

/** Names of tenants and people stand in letters, and they may hold anything. */
export function oneLine(text: string): string {
  const visible = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  // Mail programs would decode what looks like encoded words, line breaks included.
  const line = visible.replaceAll('=?', '= ?')
  const characters = [...line]
  if (characters.length <= MAIL_SUBJECT_CHARS_MAX) return line
  return `${characters.slice(0, MAIL_SUBJECT_CHARS_MAX - 1).join('')}…`
}
