import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setAlerts } from '../../test/alert-watch.ts'
import { until } from '../../test/embedded.ts'
import { startMailServer } from '../../test/mail-server.ts'
import { signedIn } from '../../test/members.ts'
import { expectStatus, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { alertLetter } from './letter.ts'

const mail = await startMailServer()
const publicUrl = 'https://meter.example.com'
const node = await testNode({ jobs: true, smtpUrl: mail.url, publicUrl })
after(async () => {
  await node.stop()
  await mail.stop()
})
const service = await node.service('s')
const daily = (threshold: number) => ({ type: 'daily_limit', threshold })

test('owners are told by e-mail, and nobody else; without any, the address of the tenant is', async () => {
  const tenant = await node.tenant({ name: 'Globex', email: 'office@globex.example' })
  await setAlerts(node, tenant.id, daily(2))
  await sendCalls(node, service.key, tenant.id, [{}, {}])
  const letter = await mail.next('office@globex.example')
  assert.equal(letter.subject, 'Globex: 2 calls today')
  assert.match(letter.text, /^Hello,\n\n2 calls were made today; you wanted to know at 2\.\n/)
  assert.match(letter.text, /^Account: Globex$/m)
  assert.match(letter.text, /^Counted from \S+T00:00:00\.000Z to \S+Z$/m)
  assert.match(letter.text, /^https:\/\/meter\.example\.com\/api\/usage\/current$/m)

  const owners = [
    await signedIn(node, 'owner', tenant.id),
    await signedIn(node, 'owner', tenant.id),
  ]
  const others = [
    await signedIn(node, 'developer', tenant.id),
    await signedIn(node, 'owner', (await node.tenant()).id),
  ]
  await setAlerts(node, tenant.id, daily(3))
  await sendCalls(node, service.key, tenant.id, [{}])
  for (const { email } of owners) {
    assert.equal((await mail.next(email)).subject, 'Globex: 3 calls today')
  }
  for (const { email } of others) assert.equal(mail.attempts(email), 0)
  const toOffice = mail.received.filter(({ to }) => to.includes('office@globex.example'))
  assert.equal(toOffice.length, 1)
})

test('no e-mail goes where none is wanted, nor for a tenant on a test clock', async () => {
  const quiet = await node.tenant({ email: 'quiet@example.com' })
  const test_clock = '2025-01-01T00:00:00Z'
  const rehearsal = await node.tenant({ email: 'rehearsal@example.com', test_clock })
  await setAlerts(node, quiet.id, { ...daily(1), notify_email: false })
  await setAlerts(node, rehearsal.id, daily(1))
  for (const { id } of [quiet, rehearsal]) await sendCalls(node, service.key, id, [{}])
  for (const { id } of [quiet, rehearsal]) {
    const path = `/api/admin/tenants/${id}/usage/alerts`
    await until('the alert', async () => {
      const { alerts } = expectStatus(await node.admin('GET', path), 200).body
      return alerts[0].last_triggered !== null
    })
  }
  // What is asked for after them is sent after them.
  const last = await node.tenant({ email: 'last@example.com' })
  await setAlerts(node, last.id, daily(1))
  await sendCalls(node, service.key, last.id, [{}])
  await mail.next('last@example.com')
  for (const to of ['quiet@example.com', 'rehearsal@example.com'])
    assert.equal(mail.attempts(to), 0)
})

test('a letter says what there was, whatever the tenant is called', () => {
  const alert = {
    alert_id: 'alert_quota_80',
    type: 'quota_threshold',
    threshold: 80,
    value: 82.5,
    since: '2025-01-01T00:00:00.000Z',
  } as const
  const name = 'Evil\r\nBcc: eve@example.com\n\nBuy'
  const at = Date.parse('2025-01-20T10:00:00Z')
  const { subject, text } = alertLetter({ to: 'a@example.com', name, alert, at }, publicUrl)
  assert.equal(subject, 'Evil Bcc: eve@example.com Buy: 82.5 % of the quota are used')
  assert.match(
    text,
    /\n82\.5 % of the quota of this period are used; you wanted to know at 80 %\.\n/,
  )
  assert.match(text, /^Account: Evil Bcc: eve@example\.com Buy$/m)
  const rate = { ...alert, type: 'error_rate', value: 7 } as const
  const letter = alertLetter({ to: 'a@example.com', name, alert: rate, at }, publicUrl)
  assert.match(letter.subject, /7 % of calls fail$/)
})
