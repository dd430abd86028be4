import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'

export type ReceivedMail = {
  /** Of the envelope: who really gets it, and who is told when it fails. */
  to: string[]
  from: string
  subject: string
  text: string
  /** As it came over the wire. */
  raw: string
  /** The `To:` that its reader sees. */
  headerTo: string[]
}

export type MailServer = {
  url: string
  port: number
  /** Everything that was accepted, oldest first. */
  received: ReceivedMail[]
  /** The oldest one to this address that was not asked for yet; waits for it. */
  next(to: string): Promise<ReceivedMail>
  /** Answers this code to whoever sends to this address, as 550 or 451. */
  refuse(to: string, code: number): void
  /** How often somebody tried to send to this address. */
  attempts(to: string): number
  stop(): Promise<void>
}

const MAIL_MS_MAX = 20_000

/** A real SMTP server that keeps what it gets. @param port 0: any free one */
export async function startMailServer(port = 0): Promise<MailServer> {
  const received: ReceivedMail[] = []
  const seen = new Set<ReceivedMail>()
  const waiting = new Set<() => void>()
  const refused = new Map<string, number>()
  const attempts = new Map<string, number>()
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onRcptTo({ address }, _session, done) {
      attempts.set(address, (attempts.get(address) ?? 0) + 1)
      const code = refused.get(address)
      done(code === undefined ? null : Object.assign(new Error('not here'), { responseCode: code }))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address)
        void parse(Buffer.concat(chunks), from, to).then((mail) => {
          received.push(mail)
          for (const wake of waiting) wake()
          done()
        }, done)
      })
    },
  })
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const listeningPort = (server.server.address() as AddressInfo).port

  const take = (to: string) => {
    const mail = received.find((one) => one.to.includes(to) && !seen.has(one))
    if (mail !== undefined) seen.add(mail)
    return mail
  }
  return {
    url: `smtp://127.0.0.1:${listeningPort}`,
    port: listeningPort,
    received,
    async next(to) {
      const there = take(to)
      if (there !== undefined) return there
      return await new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(wake)
          reject(new Error(`no e-mail to ${to} within ${MAIL_MS_MAX} ms`))
        }, MAIL_MS_MAX)
        const wake = () => {
          const mail = take(to)
          if (mail === undefined) return
          clearTimeout(timer)
          waiting.delete(wake)
          resolve(mail)
        }
        waiting.add(wake)
      })
    },
    refuse: (to, code) => void refused.set(to, code),
    attempts: (to) => attempts.get(to) ?? 0,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

async function parse(raw: Buffer, from: string, to: string[]): Promise<ReceivedMail> {
  const mail = await PostalMime.parse(raw)
  return {
    to,
    from,
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    raw: raw.toString('latin1'),
    headerTo: (mail.to ?? []).map(({ address }) => address ?? ''),
  }
}

/** The link in an e-mail, and the token in its fragment. */
export function linkIn(mail: ReceivedMail): { url: URL; token: string } {
  const text = /https?:\/\/\S+/.exec(mail.text)?.[0]
  if (text === undefined) throw new Error(`no link in: ${mail.text}`)
  const url = new URL(text)
  const token = new URLSearchParams(url.hash.slice(1)).get('token')
  if (token === null) throw new Error(`no token in: ${text}`)
  return { url, token }
}
