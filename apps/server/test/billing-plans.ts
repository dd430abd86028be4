import { type CatalogDefinition, catalogSchema } from '../src/catalog/schema.ts'

/** Between them they have every model, every way to measure, fees of both kinds, and a trial. */
export const BILLING_CATALOG: CatalogDefinition = catalogSchema.parse({
  catalog: 1,
  meters: {
    pages: {
      aggregation: 'sum',
      field: 'quantity',
      unit: 'pages',
      group_by: ['region', 'feature'],
    },
    peak: { aggregation: 'max', field: 'token_count' },
    level: { aggregation: 'last', field: 'properties.level' },
    users: { aggregation: 'unique', field: 'properties.user' },
    errors: { aggregation: 'count', filter: { status: ['failure'] } },
  },
  plans: {
    base: {
      price: {
        charges: [
          { name: 'Platform', model: 'flat', amount: '49' },
          { name: 'Calls', model: 'per_unit', meter: 'units', unit_price: '0.10', included: 3 },
          {
            name: 'Pages',
            model: 'per_unit',
            meter: 'pages',
            unit_price: '0.013',
            factors: { region: { eu: 1.2, ap: 1.5 }, feature: { ocr: 3 } },
          },
          { name: 'Users', model: 'package', meter: 'users', package: { size: 2, price: '5' } },
        ],
      },
    },
    tiered: {
      counts: 'all',
      trial_days: 9,
      price: {
        charges: [
          {
            name: 'Calls',
            model: 'graduated',
            meter: 'units',
            tiers: [{ up_to: 2, unit_price: '1', flat: '0.5' }, { unit_price: '0.7' }],
          },
          { name: 'Peak', model: 'per_unit', meter: 'peak', unit_price: '0.01', maximum: '4' },
          { name: 'Level', model: 'percentage', meter: 'level', rate: '2.5' },
          { name: 'Support', model: 'flat', amount: '10', timing: 'in_arrears' },
        ],
      },
    },
    bulk: {
      price: {
        charges: [
          {
            name: 'Errors',
            model: 'volume',
            meter: 'errors',
            tiers: [{ up_to: 1, unit_price: '3' }, { unit_price: '2' }],
          },
          { name: 'Users', model: 'per_unit', meter: 'users', unit_price: '1', minimum: '2' },
          { name: 'Seat', model: 'flat', amount: '7.77' },
        ],
      },
    },
    monthly: {
      credits: 'required',
      allowance: { credits: 10 },
      price: { charges: [{ name: 'Fee', model: 'flat', amount: '5' }] },
    },
  },
})

export type BillingPlan = 'base' | 'tiered' | 'bulk' | 'monthly'
