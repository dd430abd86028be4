import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { median, type Report, whole } from '../report.ts'
import { startSubject, trackRequests, usedTogether } from '../subject.ts'
import type { Workspace } from '../workspace.ts'
import {
  CONNECTIONS_DEFAULT,
  closedLoop,
  conservation,
  cpuLine,
  loadShare,
  type Measured,
  SECONDS_DEFAULT,
} from './measure.ts'

const RATIO_MIN = 0.8

/** All the load on one tenant: a hot account must not be slower than many. */
export async function oneTenant(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const subject = await startSubject(workspace, options, await postgres.createDatabase('subject'))
  const load = {
    connections: options.connections ?? CONNECTIONS_DEFAULT,
    seconds: options.seconds ?? SECONDS_DEFAULT,
  }
  const spread = { ...load, requests: trackRequests(subject, subject.tenants, options, 1) }
  const single = {
    ...load,
    requests: trackRequests(subject, subject.tenants.slice(0, 1), options, 1),
  }
  const overMany: Measured[] = []
  const onOne: Measured[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const many = `${options.tenants} tenants`
    overMany.push(await closedLoop(many, postgres, subject.server, spread))
    onOne.push(await closedLoop('one tenant', postgres, subject.server, single))
  }
  const measured = median(onOne.map((result) => result.requestsPerSecond))
  const against = median(overMany.map((result) => result.requestsPerSecond))
  return {
    title: `one-tenant: single events of one tenant, ${load.connections} connections`,
    conditions: [
      `plan ${options.plan}, ${options.keys} key, ${options.shape} events; median of ${options.rounds} rounds of ${load.seconds} s`,
      postgres.description,
    ],
    rows: [
      {
        figure: `requests/s, against ${options.tenants} tenants`,
        value: whole(measured),
        reference: whole(against),
        ratio: measured / against,
        bar: `≥ ${RATIO_MIN} ×`,
        passes: measured / against >= RATIO_MIN,
      },
    ],
    notes: [
      ...cpuLine(`${options.tenants} tenants`, overMany),
      ...cpuLine('one tenant', onOne),
      loadShare([...overMany, ...onOne]),
    ],
    broken: conservation([...overMany, ...onOne], await usedTogether(subject)),
  }
}
