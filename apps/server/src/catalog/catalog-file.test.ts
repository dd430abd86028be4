import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, beforeEach, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { appendAudit } from '../access/audit/append.ts'
import { createPool } from '../db/pool.ts'
import { COMMAND_LINE } from '../lib/audit-entry.ts'
import { systemClock } from '../lib/clock.ts'
import { openCatalog } from './catalog.ts'
import { applyFile, CatalogMovedError, loadFileAtStart } from './catalog-file.ts'
import { changePlans, changeServiceRules } from './change-catalog.ts'
import { countedProperties } from './counted-properties.ts'
import { diffText } from './diff-text.ts'
import { parseCatalog } from './parse-catalog.ts'
import type { CatalogFile } from './read-catalog.ts'
import { plansSchema, serviceSchema } from './schema.ts'
import { previewChange, wholeCatalog } from './write-change.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await pool.query(
    'TRUNCATE plan_version, catalog_rules, catalog_source, service RESTART IDENTITY CASCADE',
  )
})
const deps = { pool, clock: systemClock, audit: appendAudit }

function fileOf(text: string): CatalogFile {
  const yaml = `catalog: 1\n${text}\n`
  return {
    definition: parseCatalog(yaml, 'file'),
    hash: createHash('sha256').update(yaml).digest(),
  }
}

const FILE = fileOf('plans: { free: {}, pro: { price: { base: "10" } } }')
const OTHER = fileOf('plans: { free: {}, pro: { price: { base: "20" } } }')
const start = (file: CatalogFile) => loadFileAtStart(deps, file)
const change = (plans: object) =>
  changePlans(deps, COMMAND_LINE, plansSchema.parse({ plans }).plans)

/** What new tenants get: `free 1, pro 2`. */
async function onOffer(): Promise<string> {
  const plans = (await openCatalog(pool)).plansOnOffer()
  return plans.map(({ plan, version }) => `${plan} ${version}`).join(', ')
}

/** Actions of the audit log after `line`, as text. */
async function told(line = 0n): Promise<string> {
  const { rows } = await pool.query<{ action: string }>(
    'SELECT action FROM audit WHERE seq > $1 ORDER BY seq',
    [line],
  )
  return rows.map(({ action }) => action).join(', ')
}

async function newestLine(): Promise<bigint> {
  const { rows } = await pool.query<{ line: bigint }>(
    'SELECT coalesce(max(seq), 0) AS line FROM audit',
  )
  return rows[0]!.line
}

test('a start does not undo what was changed over the API', async () => {
  await start(FILE)
  await change({ pro: { price: { base: '15' } }, gold: {} })
  assert.equal(await start(FILE), null)
  assert.equal(await onOffer(), 'free 1, gold 1, pro 2')
})

test('a file that was changed wins over everything', async () => {
  await start(FILE)
  await change({ pro: { price: { base: '15' } }, gold: {} })
  await changeServiceRules(
    deps,
    COMMAND_LINE,
    'docs',
    serviceSchema.parse({ trust_reported: false }),
  )
  await start(OTHER)
  assert.equal(await onOffer(), 'free 1, pro 3')
  assert.equal((await openCatalog(pool)).rules.services.get('docs'), undefined)
  await start(FILE)
  assert.equal(await onOffer(), 'free 1, pro 4')
})

test('a file that was applied is not undone by a start with the file of before', async () => {
  await start(FILE)
  await applyFile(deps, OTHER, null)
  assert.equal(await start(FILE), null)
  assert.equal(await onOffer(), 'free 1, pro 2')
})

test('nor by a start with itself, also when the API was used since', async () => {
  await start(FILE)
  await applyFile(deps, OTHER, null)
  await change({ gold: {} })
  assert.equal(await start(OTHER), null)
  assert.equal(await onOffer(), 'free 1, gold 1, pro 2')
  // From here on it is the file of the start before, and the first one is another.
  await start(FILE)
  assert.equal(await onOffer(), 'free 1, pro 3')
  await start(OTHER)
  assert.equal(await onOffer(), 'free 1, pro 4')
})

test('of nodes that start at once with the same file, one loads it and tells so', async () => {
  const before = await newestLine()
  const loaded = await Promise.all(Array.from({ length: 6 }, () => start(FILE)))
  assert.equal(loaded.filter((diff) => diff !== null).length, 1)
  assert.equal(await onOffer(), 'free 1, pro 1')
  assert.equal(await told(before), 'catalog.loaded')
})

test('of many who apply a file at once, one changes something', async () => {
  await start(FILE)
  const before = await newestLine()
  await Promise.all(Array.from({ length: 6 }, () => applyFile(deps, OTHER, null)))
  assert.equal(await onOffer(), 'free 1, pro 2')
  assert.equal(await told(before), 'catalog.applied')
})

test('what was agreed to is applied, or nothing', async () => {
  await start(FILE)
  const shown = await previewChange(pool, wholeCatalog(OTHER.definition))
  await change({ pro: { price: { base: '15' } } })
  await assert.rejects(applyFile(deps, OTHER, shown), CatalogMovedError)
  assert.equal(await onOffer(), 'free 1, pro 2')
  // Nobody minds that it has been done already.
  await applyFile(deps, OTHER, null)
  await applyFile(deps, OTHER, shown)
  assert.equal(await onOffer(), 'free 1, pro 3')
})

test('a look changes nothing, and tells nothing', async () => {
  await start(FILE)
  const before = await newestLine()
  const { plans } = await previewChange(pool, wholeCatalog(OTHER.definition))
  assert.deepEqual(
    plans.map(({ plan, change, version }) => [plan, change, version]),
    [
      ['free', 'unchanged', 1],
      ['pro', 'changed', 2],
    ],
  )
  assert.equal(await onOffer(), 'free 1, pro 1')
  assert.equal(await told(before), '')
})

test('the audit log tells which versions were and are on offer, and whose rules differ', async () => {
  await start(FILE)
  const services = 'services: { docs: { endpoints: [{ path: /x }] } }'
  await applyFile(deps, fileOf(`${services}\nplans: { pro: {}, gold: {} }`), null)
  const { rows } = await pool.query(
    "SELECT actor_kind, before, after FROM audit WHERE action = 'catalog.applied' ORDER BY seq DESC LIMIT 1",
  )
  assert.deepEqual(rows[0], {
    actor_kind: 'command_line',
    before: { plans: { pro: 1, gold: null, free: 1 }, rules_version: 1 },
    after: { plans: { pro: 2, gold: 1, free: null }, rules_version: 2, services: ['docs'] },
  })
})

test('what statistics go by is told field by field, kept by other changes, and gone with its file', async () => {
  await start(FILE)
  const plans = 'plans: { free: {}, pro: { price: { base: "10" } } }'
  const file = fileOf(
    `formats: { cad: [dwg], excel: [numbers] }\nusage_properties: [b, a]\n${plans}`,
  )
  const shown = await previewChange(pool, wholeCatalog(file.definition))
  assert.match(diffText(shown, new Map()), /statistics\n {6}formats\.cad: \["dwg"\]\n/)
  assert.match(diffText(shown, new Map()), /usage_properties: \[\] → \["a","b"\]\n/)
  await applyFile(deps, file, shown)
  const before = await newestLine()
  await applyFile(deps, file, null)
  assert.equal(await told(before), '', 'the same again is no change')
  const { rows } = await pool.query('SELECT before, after FROM audit ORDER BY seq DESC LIMIT 1')
  assert.deepEqual(rows[0], {
    before: { plans: {}, rules_version: 1 },
    after: { plans: {}, rules_version: 2 },
  })
  await change({ gold: {} })
  await changeServiceRules(deps, COMMAND_LINE, 'docs', serviceSchema.parse({}))
  const catalog = await openCatalog(pool)
  const usage = { formats: { cad: ['dwg'], excel: ['numbers'] }, properties: ['a', 'b'] }
  assert.deepEqual(catalog.usage, usage)
  assert.deepEqual(await countedProperties(pool), ['a', 'b'])
  await start(OTHER)
  await catalog.refresh()
  assert.deepEqual(catalog.usage, { formats: {}, properties: [] })
  assert.deepEqual(await countedProperties(pool), [])
})

test('a change and its line in the audit log are one: without the line there is no change', async () => {
  await start(FILE)
  const audit = () => Promise.reject(new Error('the log is broken'))
  await assert.rejects(
    changePlans({ ...deps, audit }, COMMAND_LINE, plansSchema.parse({ plans: { gold: {} } }).plans),
  )
  assert.equal(await onOffer(), 'free 1, pro 1')
})
