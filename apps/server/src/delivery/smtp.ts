import { createTransport } from 'nodemailer'
import { PermanentFailure } from '../lib/permanent-failure.ts'
import { MAIL_CONNECT_MS_MAX, MAIL_IDLE_MS_MAX, MAIL_MS_MAX } from '../limits.ts'
import type { Carrier, Letter } from './letter.ts'

/** A mail server. A connection for each e-mail: there are few, and none is found broken. */
export function smtpServer(url: string): Carrier {
  const transport = createTransport({
    url,
    connectionTimeout: MAIL_CONNECT_MS_MAX,
    greetingTimeout: MAIL_CONNECT_MS_MAX,
    dnsTimeout: MAIL_CONNECT_MS_MAX,
    socketTimeout: MAIL_IDLE_MS_MAX,
    // What a letter says is text, and never the name of something to fetch and enclose.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    goesTo: new URL(url).host,
    async carry(letter) {
      try {
        await transport.sendMail({ ...letter, signal: AbortSignal.timeout(MAIL_MS_MAX) })
      } catch (error) {
        throw refusedForEver(error) ? permanent(letter, error) : error
      }
    },
  }
}

type SmtpError = { responseCode?: number; command?: string }

/**
 * 5xx to the recipient or the text. To anything before (who we are, who sends) it is a mistake in the
 * configuration: when somebody corrects it, the letter should go out.
 */
function refusedForEver(error: unknown): boolean {
  const { responseCode = 0, command = '' } = error as SmtpError
  return responseCode >= 500 && /^(RCPT TO|DATA)$/.test(command)
}

/** Logs name no people: where the letter should have gone is enough to look for the reason. */
function permanent({ to }: Letter, cause: unknown): PermanentFailure {
  const host = to.address.slice(to.address.lastIndexOf('@') + 1)
  return new PermanentFailure(`the mail server refused a letter to somebody at ${host}`, { cause })
}
