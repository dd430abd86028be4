import type { EventShape } from './plan.ts'
import { UUID_PLACE } from './uuid.ts'

const FILE_TYPES = ['pdf', 'xlsx', 'docx', 'csv']
const OUTPUT_FORMATS = ['json', 'md', 'html']
const REGIONS = ['eu', 'us']
const FEATURES = ['ocr', 'tables', 'summary', 'none', 'layout']

/**
 * One event as JSON, the way an API sends it. `variant` chooses among the values of the dimensions,
 * so that statistics made of these events have something to group by.
 */
export function eventJson(shape: EventShape, tenantId: string, variant: number): string {
  return JSON.stringify({
    idempotency_key: UUID_PLACE,
    tenant_id: tenantId,
    service_name: 'bench-api',
    endpoint: '/convert',
    method: 'POST',
    credits_used: 1,
    premium: false,
    ...(shape === 'full' ? statisticsOf(variant) : {}),
  })
}

/** Where in the JSON of an event its idempotency key and its tenant stand, to be overwritten in place. */
export function placesIn(json: string, tenantId: string): { key: number; tenant: number } {
  return { key: json.indexOf(UUID_PLACE), tenant: json.indexOf(`"${tenantId}"`) + 1 }
}

function statisticsOf(variant: number): Record<string, string | number> {
  return {
    status: 'success',
    region: pick(REGIONS, variant),
    feature: pick(FEATURES, variant),
    file_type: pick(FILE_TYPES, variant),
    output_format: pick(OUTPUT_FORMATS, variant),
    file_size_bytes: 40_000 + variant * 7_919,
    processing_time_ms: 120 + variant * 37,
  }
}

function pick(values: string[], variant: number): string {
  return values[variant % values.length]!
}
