import type Stripe from 'stripe'
import { isMissing, once } from './stripe-once.ts'
import type { PaymentRequest } from './types.ts'

type Whose = Pick<PaymentRequest, 'tenantId' | 'customer'>

/** The tenant's customer at Stripe, with the name and e-mail that it has here. */
export async function stripeCustomer(stripe: Stripe, whose: Whose): Promise<Stripe.Customer> {
  const { name, email, reference } = whose.customer
  const known = reference === null ? null : await readCustomer(stripe, reference)
  const customer =
    known ?? (await findCustomer(stripe, whose)) ?? (await makeCustomer(stripe, whose))
  if (customer.name === name && customer.email === email) return customer
  // Without a key of ours: the last one must win, also one that was said before.
  return stripe.customers.update(customer.id, { name, email: email ?? '' })
}

/** Whether Stripe may charge it without anybody being asked. */
export function hasPaymentMethod(customer: Stripe.Customer): boolean {
  return (
    (customer.invoice_settings.default_payment_method ?? null) !== null ||
    (customer.default_source ?? null) !== null
  )
}

async function readCustomer(stripe: Stripe, reference: string): Promise<Stripe.Customer | null> {
  try {
    const customer = await stripe.customers.retrieve(reference)
    return customer.deleted === true ? null : customer
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Stripe finds what is a minute old or older; the key of `makeCustomer` is good for what is younger. */
async function findCustomer(stripe: Stripe, { tenantId }: Whose): Promise<Stripe.Customer | null> {
  // A tenant's id has no character that would have to be escaped.
  const query = `metadata['tenant_id']:'${tenantId}'`
  const { data } = await stripe.customers.search({ query, limit: 1 })
  return data[0] ?? null
}

async function makeCustomer(stripe: Stripe, whose: Whose): Promise<Stripe.Customer> {
  const { tenantId, customer } = whose
  // One that was deleted at Stripe would be answered again under the first key.
  const instead = customer.reference === null ? '' : `:instead-of:${customer.reference}`
  return once({
    key: `tollgate:tenant:${tenantId}:customer${instead}`,
    // Nothing that can change: the same key with another name would be refused.
    write: (options) => stripe.customers.create({ metadata: { tenant_id: tenantId } }, options),
    look: () => findCustomer(stripe, whose),
  })
}
