import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, testNode } from '../../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)

const mark = (invoiceId: string, status: string, more: object = {}) =>
  node.admin('POST', `/api/admin/invoices/${invoiceId}/status`, { status, ...more })

const STATUSES = ['open', 'paid', 'uncollectible', 'void'] as const
const MAY_FOLLOW: Record<string, string[]> = {
  open: ['paid', 'uncollectible', 'void'],
  uncollectible: ['paid', 'void'],
  paid: [],
  void: [],
}

for (const from of STATUSES) {
  test(`what is ${from} becomes ${MAY_FOLLOW[from]!.join(' or ') || 'nothing else'}`, async () => {
    for (const to of STATUSES.filter((status) => status !== 'open')) {
      const { invoiceId } = await billed.invoiced(1)
      if (from !== 'open') expectStatus(await mark(invoiceId, from), 200)
      const before = await billed.invoice(invoiceId)
      const reply = await mark(invoiceId, to)
      const after = await billed.invoice(invoiceId)
      if (from === to) assert.deepEqual([reply.status, after], [200, before])
      else if (MAY_FOLLOW[from]!.includes(to))
        assert.deepEqual([reply.status, after.status], [200, to])
      else {
        assert.deepEqual([reply.body.code, after], ['invoice_status_conflict', before])
        assert.match(reply.body.detail, new RegExp(`is ${from}, so it cannot become ${to}`))
      }
    }
  })
}

test('what is paid or void is owed no more, what is uncollectible is; when it was paid is told', async () => {
  const due = async (status: string) => {
    const { invoiceId } = await billed.invoiced(10)
    const { body } = expectStatus(await mark(invoiceId, status), 200)
    assert.deepEqual(body, await billed.invoice(invoiceId))
    return [body.status, body.amount_due, body.paid_at]
  }
  // By the tenant's own clock.
  assert.deepEqual(await due('paid'), ['paid', '0.00', '2025-02-01T00:00:00.000Z'])
  assert.deepEqual(await due('void'), ['void', '0.00', null])
  assert.deepEqual(await due('uncollectible'), ['uncollectible', '1.00', null])
})

test('who changed it, from what, to what and why is in the audit log, once', async () => {
  const { invoiceId, id } = await billed.invoiced(1)
  expectStatus(await mark(invoiceId, 'paid', { reason: 'by bank transfer' }), 200)
  expectStatus(await mark(invoiceId, 'paid', { reason: 'again' }), 200)
  assert.equal((await mark(invoiceId, 'void')).status, 409)
  const query = `tenant_id=${id}&action=invoice.status_changed`
  const { data } = expectStatus(await node.admin('GET', `/api/admin/audit?${query}`), 200).body
  assert.equal(data.length, 1)
  assert.deepEqual(data[0].before, { status: 'open' })
  assert.deepEqual(data[0].after, { status: 'paid', reason: 'by bank transfer' })
})

test('of racing changes that exclude each other one wins', async () => {
  const { invoiceId } = await billed.invoiced(1)
  const replies = await Promise.all(
    Array.from({ length: 10 }, (_, number) => mark(invoiceId, number % 2 ? 'paid' : 'void')),
  )
  const { status } = await billed.invoice(invoiceId)
  for (const [number, reply] of replies.entries()) {
    assert.equal(reply.status, (number % 2 ? 'paid' : 'void') === status ? 200 : 409)
  }
})

test('an invoice that does not exist is not found, and statuses that nobody can set are refused', async () => {
  for (const id of ['inv_00000010000000003', 'nothing', 'crn_00000010000000003']) {
    assert.equal((await mark(id, 'paid')).body.code, 'not_found')
  }
  const { invoiceId } = await billed.invoiced(1)
  for (const status of ['open', 'draft', 'PAID', '']) {
    const refused = await mark(invoiceId, status)
    assert.equal(refused.body.errors[0].field, 'status')
  }
})

test('support and tenants change no invoice', async () => {
  const { invoiceId, key, id } = await billed.invoiced(1)
  const path = `/api/admin/invoices/${invoiceId}/status`
  const bearers = [key]
  bearers.push((await signedIn(node, 'support')).accessToken)
  bearers.push((await signedIn(node, 'owner', id)).accessToken)
  for (const bearer of bearers) {
    assert.equal((await node.call('POST', path, bearer, { status: 'paid' })).status, 403)
  }
})
