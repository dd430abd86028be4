import { closePeriods } from '../src/billing/invoices/close-periods.ts'
import { billingRoom } from './billing-room.ts'
import { handClock } from './node.ts'

/**
 * A process of its own that closes what is due of the tenants it is given, one after the other, and says
 * so of each; to be killed anywhere. Arguments: the database, the time, numbers of tenants.
 */
const [url, now, ...tenantNos] = process.argv.slice(2)
const room = await billingRoom({ url: url! }, handClock(now!))
process.stdout.write('begins\n')
for (const tenantNo of tenantNos) {
  await closePeriods(room, Number(tenantNo))
  process.stdout.write(`closed ${tenantNo}\n`)
}
await room.close()
