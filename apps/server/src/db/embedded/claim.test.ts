import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAlive, query, startTollgate, testFolder } from '../../../test/embedded.ts'
import { findRunningEmbeddedPostgres } from './find-running.ts'

test('a second Tollgate on the same folder is refused, and told which folder and which process', async (t) => {
  const folder = testFolder(t)
  const first = await startTollgate(t, folder)
  await assert.rejects(startTollgate(t, folder), {
    name: 'EmbeddedPostgresError',
    message: `The data folder ${folder.dataDir} is in use by another Tollgate (process ${first.pid}). Stop that one first, or set TOLLGATE_DATA_DIR to another folder.`,
  })
  await query(first.url, 'SELECT 1')
  await first.stop()
  await (await startTollgate(t, folder)).stop()
})

test('of many that start at once, one wins', async (t) => {
  const folder = testFolder(t)
  const starts = Array.from({ length: 6 }, () => startTollgate(t, folder))
  const outcomes = await Promise.allSettled(starts)
  const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
  assert.equal(winners.length, 1)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.match(outcome.reason.message, /is in use by another/)
  }
  await winners[0]!.value.stop()
})

test('of many that start at once after a kill -9, one wins', async (t) => {
  const folder = testFolder(t)
  await (await startTollgate(t, folder)).kill()
  const outcomes = await Promise.allSettled(
    Array.from({ length: 6 }, () => startTollgate(t, folder)),
  )
  const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
  assert.equal(winners.length, 1)
  await winners[0]!.value.stop()
})

test('a lock whose pid was given to another process since does not count', async (t) => {
  const folder = testFolder(t)
  await (await startTollgate(t, folder)).stop()
  const stale = `tollgate-${process.pid}-1.lock`
  await writeFile(join(folder.dataDir, stale), 'owner\n')
  const tollgate = await startTollgate(t, folder)
  assert.ok(!(await readdir(folder.dataDir)).includes(stale))
  await tollgate.stop()
})

test('a command beside a running Tollgate finds its database, and nothing once it has stopped', async (t) => {
  const folder = testFolder(t)
  assert.equal(await findRunningEmbeddedPostgres(folder.dataDir), null)
  const tollgate = await startTollgate(t, folder)
  assert.equal(await findRunningEmbeddedPostgres(folder.dataDir), tollgate.url)
  assert.ok(isAlive(tollgate.pid))
  await tollgate.stop()
  assert.equal(await findRunningEmbeddedPostgres(folder.dataDir), null)
})
