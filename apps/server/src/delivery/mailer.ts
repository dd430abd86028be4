import type { Clock } from '../lib/clock.ts'
import type { Settings } from '../lib/settings.ts'
import { letterOf, type Mail } from './letter.ts'
import { mailFolder } from './mail-folder.ts'
import { smtpServer } from './smtp.ts'

export interface Mailer {
  /**
   * Hands over an e-mail to one address.
   * @throws PermanentFailure when it can never be delivered; anything else may be tried again
   */
  send(mail: Mail): Promise<void>
  /** Where e-mails go, for people to read. Without a password. */
  readonly goesTo: string
}

/** By the mail server of the settings, or as files below the data folder where there is none. */
export function openMailer(
  { smtpUrl, mailFrom, dataDir }: Pick<Settings, 'smtpUrl' | 'mailFrom' | 'dataDir'>,
  clock: Clock,
): Mailer {
  const carrier = smtpUrl === null ? mailFolder(dataDir) : smtpServer(smtpUrl)
  return {
    goesTo: carrier.goesTo,
    async send(mail) {
      await carrier.carry(letterOf(mail, mailFrom, clock.now()))
    },
  }
}
