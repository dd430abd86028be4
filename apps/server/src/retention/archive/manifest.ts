import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const partSchema = z.object({
  file: z.string(),
  rows: z.number().int(),
  bytes: z.number().int(),
  sha256: z.string(),
  /** The last line in it: the next part begins behind. */
  through: z.object({ tenantNo: z.number().int(), seq: z.number().int() }),
})
const manifestSchema = z.object({
  archive: z.literal(1),
  /** As in 2025-01: lines that were recorded in it, UTC. */
  month: z.string(),
  /** Null: all tenants. */
  tenant_id: z.string().nullable(),
  rows: z.number().int(),
  /** False: parts are still to come. */
  complete: z.boolean(),
  parts: z.array(partSchema),
})
export type Part = z.infer<typeof partSchema>
export type Manifest = z.infer<typeof manifestSchema>

export type ArchiveOf = { dir: string; month: string; tenantId: string | null }

/** `entry-2025-01`, `entry-2025-01-TENANT`: what the names of all files of a month begin with. */
export function nameOf({ month, tenantId }: Pick<ArchiveOf, 'month' | 'tenantId'>): string {
  return `entry-${month}${tenantId === null ? '' : `-${tenantId}`}`
}

/** Null: there is none, or what it names is no more there as it was written. */
export async function readManifest(of: ArchiveOf): Promise<Manifest | null> {
  const text = await readFile(pathOf(of), 'utf8').catch(() => null)
  if (text === null) return null
  const parsed = manifestSchema.safeParse(jsonOf(text))
  if (!parsed.success || parsed.data.month !== of.month) return null
  for (const { file, bytes } of parsed.data.parts) {
    const found = await stat(join(of.dir, file)).catch(() => null)
    if (found?.size !== bytes) return null
  }
  return parsed.data
}

export async function writeManifest(of: ArchiveOf, manifest: Manifest): Promise<void> {
  const temporary = `${pathOf(of)}.${process.pid}.tmp`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, pathOf(of))
}

function pathOf(of: ArchiveOf): string {
  return join(of.dir, `${nameOf(of)}.json`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
