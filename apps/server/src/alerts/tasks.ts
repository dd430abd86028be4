import type { Tasks } from '../db/jobs.ts'
import type { Mailer } from '../delivery/mailer.ts'
import { alertLetter, alertMail } from './letter.ts'

export type AlertTaskDependencies = {
  mailer: Mailer
  /** Where people reach this server, without a slash at the end. */
  publicUrl: () => string
}

/** One e-mail for each alert and owner; a second one only where a node dies between sending it and saying so. */
export function alertTasks({ mailer, publicUrl }: AlertTaskDependencies): Tasks {
  return {
    async send_alert(payload) {
      await mailer.send(alertLetter(alertMail.parse(payload), publicUrl()))
    },
  }
}
