import { availableCredits } from '../../ledger/account.ts'
import { quotaState } from '../../ledger/decision-reply.ts'
import { numberFromMicros } from '../../lib/micros.ts'
import type { Subject, Verb } from '../answer.ts'
import { needOf, requireFeature } from '../gate.ts'
import { LATENCY_BOUNDS_MS } from '../latency.ts'
import { callCounters } from './counters.ts'
import {
  EXPOSITION_TYPES,
  type ExpositionFormat,
  exposition,
  type MetricFamily,
  type Sample,
} from './exposition.ts'
import { type LatencyRow, readCounters, readLatencies } from './store.ts'

export type MetricsText = { type: string; text: string }

/** A tenant's usage for its own Prometheus: counters of its whole life, and what is left right now. */
export const usageMetrics: Verb<{ form: ExpositionFormat }, MetricsText> = (subject, { form }) => {
  const { terms, catalog, gated, source } = subject
  if (gated) requireFeature(catalog, terms, needOf('realtime'))
  const gauges = gaugesOf(subject)
  return {
    // What is left also changes by itself: a period ends, credits expire.
    dependsOn: gauges.flatMap(({ samples }) => samples.map(({ value }) => value)),
    async read() {
      const [counted, latencies] = await Promise.all([
        readCounters(source.pool, source.tenantNo),
        readLatencies(source.pool, source.tenantNo),
      ])
      const families = [...countersOf(callCounters(counted)), ...gauges, latencyOf(latencies)]
      return { type: EXPOSITION_TYPES[form], text: exposition(families, form) }
    },
  }
}

function countersOf(counters: ReturnType<typeof callCounters>): MetricFamily[] {
  const samples = (of: (status: string) => boolean, withStatus: boolean): Sample[] =>
    counters
      .filter(({ status }) => of(status))
      .map(({ service, fileType, outputFormat, status, calls }) => ({
        suffix: '_total',
        labels: {
          service,
          file_type: fileType,
          output_format: outputFormat,
          ...(withStatus ? { status } : {}),
        },
        value: calls,
      }))
  return [
    {
      name: 'tollgate_conversions',
      type: 'counter',
      help: 'Calls that were recorded and not denied, voided ones included',
      samples: samples((status) => status !== 'denied', true),
    },
    {
      name: 'tollgate_denials',
      type: 'counter',
      help: 'Calls that were denied',
      samples: samples((status) => status === 'denied', false),
    },
  ]
}

/** A plan without a limit has no series of one. */
function gaugesOf({ account, terms }: Subject): MetricFamily[] {
  const { used, limit, remaining } = quotaState(account, terms)
  const gauge = (name: string, help: string, value: number | null): MetricFamily => ({
    name: `tollgate_${name}`,
    type: 'gauge',
    help,
    samples: value === null ? [] : [{ value }],
  })
  return [
    gauge('quota_used', 'Units used in the running period', used),
    gauge('quota_limit', 'Units that the plan has for a period', limit),
    gauge('quota_remaining', 'Units left in the running period', remaining),
    gauge(
      'credits_remaining',
      'Credits free to spend',
      numberFromMicros(availableCredits(account)),
    ),
  ]
}

function latencyOf(rows: readonly LatencyRow[]): MetricFamily {
  const calls = (of: (leMs: bigint) => boolean) =>
    rows.reduce((sum, row) => (of(BigInt(row.le_ms)) ? sum + Number(row.calls) : sum), 0)
  const all = calls(() => true)
  const bucket = (le: string, value: number): Sample => ({
    suffix: '_bucket',
    labels: { le },
    value,
  })
  return {
    name: 'tollgate_processing_seconds',
    type: 'histogram',
    help: 'How long calls took that told it and were not denied, voided ones included',
    samples: [
      ...LATENCY_BOUNDS_MS.map((ms) =>
        bucket(
          seconds(ms),
          calls((leMs) => leMs <= BigInt(ms)),
        ),
      ),
      bucket('+Inf', all),
      { suffix: '_sum', value: rows.reduce((sum, { ms }) => sum + Number(ms), 0) / 1_000 },
      { suffix: '_count', value: all },
    ],
  }
}

/** With a point, in which OpenMetrics insists. */
function seconds(ms: number): string {
  const text = String(ms / 1_000)
  return text.includes('.') ? text : `${text}.0`
}
