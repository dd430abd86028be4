import type { Call } from '../../apps/server/src/ledger/types.ts'

const FILE_TYPES = ['pdf', 'xlsx', 'docx', 'csv', 'pptx']
const OUTPUT_FORMATS = ['json', 'md', 'html']
const ENDPOINTS = ['/convert', '/convert/batch', '/extract', '/preview']
const REGIONS = ['eu', 'us']
const FEATURES = ['ocr', 'tables', 'layout']
const ERRORS = ['timeout', 'corrupt_file', 'too_large']
const FAILED_PER_CALLS = 33
const TYPICAL_MS = 400
const TYPICAL_BYTES = 80_000

/** What a tenant that converts documents sends: all that statistics group by, and times with a long tail. */
export function conversion(index: number): Partial<Call> {
  const random = scattered(index)
  const failed = random % FAILED_PER_CALLS === 0
  return {
    endpoint: pick(ENDPOINTS, random >>> 3),
    failed,
    errorCode: failed ? pick(ERRORS, random >>> 5) : null,
    region: pick(REGIONS, random >>> 7),
    feature: pick(FEATURES, random >>> 9),
    fileType: pick(FILE_TYPES, random >>> 11),
    outputFormat: pick(OUTPUT_FORMATS, random >>> 13),
    processingTimeMs: Math.round(longTailed(random) * TYPICAL_MS),
    fileSizeBytes: Math.round(longTailed(scattered(random)) * TYPICAL_BYTES),
  }
}

/** From a twentieth to twenty times of what is typical. */
function longTailed(random: number): number {
  return 400 ** (random / 0xffff_ffff) / 20
}

/** Neighbouring numbers give numbers that have nothing in common (MurmurHash3's finalizer). */
function scattered(number: number): number {
  let hash = number >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function pick<T>(values: readonly T[], random: number): T {
  return values[random % values.length]!
}
