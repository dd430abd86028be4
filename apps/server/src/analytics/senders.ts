import type { UsageByKey, UsageByTeam } from '@tollgate/contract'
import { numberFromMicros } from '../lib/micros.ts'
import type { Subject, Verb } from './answer.ts'
import { plainRange } from './breakdown.ts'
import { OTHER } from './dimensions.ts'
import type { RangeQuery } from './range.ts'
import { share } from './rates.ts'
import { wholeReader } from './readings/reader.ts'
import { sumOf, type Usage } from './readings/measures.ts'

/** Of a key, whose number is above zero, or of a person. */
type OfSender = { senderNo: number | null; id: string | null; team: string | null; usage: Usage }

/** Who sent how much: keys, and people. Their names are not in the log, so answers are compared. */
export const usageByKey: Verb<RangeQuery, UsageByKey> = (subject, query) => {
  const range = plainRange(subject, query)
  return {
    dependsOn: null,
    async read() {
      const senders = await readSenders(subject, range)
      const all = callsOf(senders)
      const data = senders.map(({ senderNo, id, team, usage }) => ({
        key_id: senderNo !== null && senderNo > 0 ? id : null,
        member_id: senderNo !== null && senderNo < 0 ? id : null,
        team,
        ...countedOf(usage, all),
        last_used_at: usage.lastAt === null ? null : new Date(usage.lastAt).toISOString(),
      }))
      return { period: { start: range.first, end: range.last }, data }
    },
  }
}

export const usageByTeam: Verb<RangeQuery, UsageByTeam> = (subject, query) => {
  const range = plainRange(subject, query)
  return {
    dependsOn: null,
    async read() {
      const senders = await readSenders(subject, range)
      const teams = Map.groupBy(senders, ({ team }) => team)
      const all = callsOf(senders)
      const data = [...teams].map(([team, members]) => ({
        team,
        keys: members.filter(({ senderNo }) => senderNo !== null && senderNo > 0).length,
        ...countedOf(sumOf(members.map(({ usage }) => usage)), all),
      }))
      data.sort((a, b) => b.conversions.total - a.conversions.total)
      return { period: { start: range.first, end: range.last }, data }
    },
  }
}

async function readSenders(
  { source, senderNames }: Subject,
  range: ReturnType<typeof plainRange>,
): Promise<OfSender[]> {
  const usages = await wholeReader(source, range).by(['key'])
  const senderNos = usages.map(({ value }) => (value === OTHER ? null : Number(value)))
  const names = await senderNames(senderNos.filter((senderNo) => senderNo !== null))
  const senders = usages.map((usage, index) => {
    const senderNo = senderNos[index]!
    const name = senderNo === null ? undefined : names.get(senderNo)
    return { senderNo, id: name?.id ?? null, team: name?.team ?? null, usage }
  })
  return senders
    .filter(({ usage }) => usage.calls > 0 || usage.denied > 0)
    .sort((a, b) => b.usage.calls - a.usage.calls || (a.senderNo ?? 0) - (b.senderNo ?? 0))
}

function callsOf(senders: readonly OfSender[]): number {
  return sumOf(senders.map(({ usage }) => usage)).calls
}

function countedOf(usage: Usage, all: number) {
  const { calls, failed, denied, units, credits } = usage
  return {
    conversions: { total: calls, successful: calls - failed, failed },
    denied,
    units: numberFromMicros(units),
    credits: numberFromMicros(credits),
    percentage: share(calls, all),
  }
}
