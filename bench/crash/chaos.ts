import { CannotMeasure } from '../failure.ts'
import { postmasterPid } from '../postmaster.ts'
import { progress } from '../report.ts'
import { type Server, type ServerSettings, spawnServer } from '../server.ts'
import type { Random } from './random.ts'
import type { Senders } from './senders.ts'

export type Victim = 'server' | 'database' | 'both'

export type Crash = { victim: Victim; recoveredMs: number }

/** Work gets going again before the next blow, or only the first would hit anything. */
const EVENTS_BETWEEN_CRASHES = 300
const DELAY_MS_MAX = 500
const DOWN_MS_MAX = 200
const RESTART_MS_MAX = 60_000
const SILENCE_MS_MAX = 60_000
const RESTART_POLL_MS = 20

/** The server that takes the blows; `server` is another one after each of its deaths. */
export type Target = { settings: ServerSettings; server: Server }

/** Kills at random moments under load, each time waiting until calls are acknowledged again. */
export async function crashRepeatedly(
  target: Target,
  senders: Senders,
  random: Random,
  victims: Victim[],
): Promise<Crash[]> {
  const crashes: Crash[] = []
  for (const [i, victim] of victims.entries()) {
    await acknowledged(target, senders, EVENTS_BETWEEN_CRASHES)
    await pause(random.below(DELAY_MS_MAX))
    const killedAtMs = performance.now()
    await kill(target, victim, random)
    await acknowledged(target, senders, 1)
    const recoveredMs = performance.now() - killedAtMs
    crashes.push({ victim, recoveredMs })
    progress(`${i + 1} of ${victims.length}: ${victim}, back after ${Math.round(recoveredMs)} ms`)
  }
  return crashes
}

async function kill(target: Target, victim: Victim, random: Random): Promise<void> {
  const { dataDir } = target.settings
  const pid = victim === 'server' ? null : await postmasterPid(dataDir)
  if (victim !== 'server') {
    if (pid === null) throw new CannotMeasure('The embedded PostgreSQL was not found running.')
    process.kill(pid, 'SIGKILL')
  }
  if (victim === 'database') return restarted(target, pid)
  await target.server.kill()
  await pause(random.below(DOWN_MS_MAX))
  target.server = spawnServer(target.settings)
  await target.server.ready()
}

/** Waits for another PostgreSQL: for a moment, processes of the killed one still answer. */
async function restarted(target: Target, killed: number | null): Promise<void> {
  const giveUpAt = Date.now() + RESTART_MS_MAX
  while (Date.now() < giveUpAt && target.server.isRunning()) {
    const pid = await postmasterPid(target.settings.dataDir).catch(() => null)
    if (pid !== null && pid !== killed) return
    await pause(RESTART_POLL_MS)
  }
  throw new CannotMeasure(
    `The killed PostgreSQL was not started again; the last of Tollgate's log:\n${target.server.logTail()}`,
  )
}

/** Waits for so many more acknowledged events; a server that ended by itself will send none. */
async function acknowledged(target: Target, senders: Senders, events: number): Promise<void> {
  const { server } = target
  const fail = (what: string): never => {
    throw new CannotMeasure(`${what}; the last of its log:\n${server.logTail()}`)
  }
  const ended = server.exited.then(() => fail('Tollgate ended by itself'))
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SILENCE_MS_MAX)
  }).then(() => fail(`Tollgate acknowledged too little for ${SILENCE_MS_MAX / 1_000} s`))
  try {
    await Promise.race([senders.progressed(events), ended, tooLong])
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
